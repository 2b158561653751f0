#!/usr/bin/env bash
# Behaves as the official image's entrypoint does towards whoever configures it: environment, files, first start.
set -Eeuo pipefail
shopt -s nullglob

# say NAME, or put the content of the file NAME_FILE into it; the default if neither is set
from_env_or_file() {
	local name=$1 file_name=${1}_FILE default=${2:-}
	if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
		echo >&2 "error: both $name and $file_name are set (but are exclusive)"
		exit 1
	fi
	local value=${!name:-$default}
	if [ -n "${!file_name:-}" ]; then value=$(< "${!file_name}"); fi
	export "$name=$value"
	unset "$file_name"
}

refuse_without_password() {
	if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
		cat >&2 <<-'MESSAGE'
			Error: Database is uninitialized and superuser password is not specified.
			       You must specify POSTGRES_PASSWORD to a non-empty value for the
			       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".
		MESSAGE
		exit 1
	fi
}

make_cluster() {
	eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") '"$POSTGRES_INITDB_ARGS"
	local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
	printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
}

run_sql() {
	psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --no-password "$@"
}

make_database() {
	[ "$POSTGRES_DB" != postgres ] || return 0
	run_sql --dbname postgres --set db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
}

run_init_files() {
	local file
	for file in /docker-entrypoint-initdb.d/*; do
		case $file in
			*.sh) echo "$0: running $file"; if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
			*.sql) echo "$0: running $file"; run_sql --dbname "$POSTGRES_DB" -f "$file" ;;
			*.sql.gz) echo "$0: running $file"; gunzip -c "$file" | run_sql --dbname "$POSTGRES_DB" ;;
			*) echo "$0: ignoring $file" ;;
		esac
	done
}

# The server of the first start listens on its socket only: nobody must take it for the real one.
first_start() {
	make_cluster
	export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
	pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p ${PGPORT:-5432}" -w start
	make_database
	run_init_files
	pg_ctl -D "$PGDATA" -m fast -w stop
	unset PGPASSWORD
	printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

main() {
	if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
	if [ "$1" != postgres ]; then exec "$@"; fi
	if [ "$(id -u)" = 0 ]; then
		mkdir -p "$PGDATA" && chmod 00700 "$PGDATA"
		find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
		exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/var/lib/postgresql "$0" "$@"
	fi
	mkdir -p "$PGDATA" && chmod 00700 "$PGDATA" || :
	from_env_or_file POSTGRES_PASSWORD
	from_env_or_file POSTGRES_USER postgres
	from_env_or_file POSTGRES_DB "$POSTGRES_USER"
	from_env_or_file POSTGRES_INITDB_ARGS
	if [ -s "$PGDATA/PG_VERSION" ]; then
		printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
	else
		refuse_without_password
		first_start
	fi
	exec "$@"
}

main "$@"
