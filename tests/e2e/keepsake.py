"""Something of value in both volumes of a project, and whether it is still there."""

from __future__ import annotations

from dataclasses import dataclass

from story import Project


@dataclass(frozen=True)
class Keepsake:
    """A row in Postgres and a file among the uploads, made before anything happened to the project."""

    project: Project
    created: dict[str, str]  # volume on its host -> when it was created

    def is_kept(self) -> bool:
        """AssertionError if row, file or a volume is not the one that it was."""
        assert self.project.rows("SELECT word FROM keepsake") == ["precious"]
        assert self.project.volume_file("web1", "uploads", "photo.txt") == "precious"
        assert created_volumes(self.project) == self.created
        return True


def leave_keepsake(project: Project) -> Keepsake:
    project.rows("CREATE TABLE keepsake (word text); INSERT INTO keepsake VALUES ('precious')")
    project.write_volume_file("web1", "uploads", "photo.txt", "precious")
    return Keepsake(project, created_volumes(project))


def created_volumes(project: Project) -> dict[str, str]:
    """When the volumes that hold data were created, as Docker on their hosts says."""
    fleet = project.fleet
    wanted = [(host, "uploads") for host in fleet.web] + [(host, "db_data") for host in fleet.db]
    return {f"{host}:{volume}": project.volumes(host)[volume] for host, volume in wanted}
