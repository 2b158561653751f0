from django.db import models


class Entry(models.Model):
    name = models.CharField(max_length=80)
    text = models.CharField(max_length=500)
    attachment = models.FileField(upload_to="%Y/%m/", blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-id"]

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"
