"""A project with secrets in all places, and playbooks and builds that show them wherever they can."""

from __future__ import annotations

import json
from pathlib import Path

from host_state import ask
from plants import SHAPES, Plants
from story import Project

from deployer.config.vault import encrypt

VAULT_PASSWORD = "not planted"
BUILD = """\
FROM busybox:1
COPY www /www
COPY serve.sh /serve.sh
RUN --mount=type=secret,id=npm [ -s /run/secrets/npm ]
CMD ["sh", "/serve.sh"]
"""
BROKEN_BUILD = BUILD.replace("[ -s /run/secrets/npm ]", "cat /run/secrets/npm; base64 /run/secrets/npm; exit 3")
BROKEN_START = """\
set -x; env; export -p; set; : "$QUOTES" "$PEM"
for one in "$QUOTES" "$FOREIGN" "$PEM" "$LONG"; do printf %s "$one" | base64; done
sleep 1; exit 4
"""
TASKS = """\
- hosts: web
  vars:
    play_password: "PLAY VARS"
    bound_password: "{{ lookup('env', 'PLANTED_VARIABLE_TOKEN') }}"
    piped_secret: "{{ lookup('pipe', 'cat pipe.txt') }}"
  vars_files: [vault.yml]
  environment: {SENTRY_AUTH_TOKEN: "PLAY ENVIRONMENT"}
  tasks:
    - {name: facts of ours, include_vars: {file: more.yml}}
    - {name: set, set_fact: {session_token: "SET FACT"}}
    - name: all that is known
      debug: {var: vars}
    - name: what is derived
      debug:
        msg:
          - "{{ db_password | b64encode }} {{ ('user:' ~ db_password) | b64encode }} {{ backup_api_key | urlencode }}"
          - "{{ smtp | to_json }} {{ accounts | to_nice_yaml }} {{ scalar | quote }}"
          - "{{ deploy_secrets | to_json | to_json }}"
          - "{{ deploy_secrets.values() | map('b64encode') | list }} {{ tree.deep_secret }} {{ vaulted }}"
          - "{{ deploy_secrets.values() | map('urlencode') | list }}"
          - "{{ deploy_secrets.values() | map('quote') | list }}"
          - "{{ cache_url }} {{ bound_password }} {{ piped_secret }} {{ extra_token }}"
          - "{{ play_password }} {{ more_password }} {{ session_token }} {{ whole.of.it }}"
          - "{{ hostvars.web1.db_password }}"
    - name: task
      vars: {task_password: "TASK VARS"}
      environment: {GITHUB_TOKEN: "TASK ENVIRONMENT"}
      shell: set -x; env; export -p; echo "$GITHUB_TOKEN" | base64; echo "{{ task_password }}" >/dev/null
      register: told
    - {name: told, debug: {var: told}}
    - {name: by stdin, command: {cmd: cat, stdin: "{{ stdin_password }}"}, vars: {stdin_password: "STDIN"}}
    - name: fails
      shell: env; echo "$SENTRY_AUTH_TOKEN" >&2; exit 3
      ignore_errors: true
    - name: service
      uri:
        url: "BASE/json"
        url_username: ann
        url_password: "URL PASSWORD"
        return_content: true
      register: answer
    - {name: its token, debug: {msg: "{{ answer.json.token }}"}}
    - {name: all of it, debug: {var: answer}}
    - {name: bearer, uri: {url: "BASE/file", headers: {Authorization: "Bearer TOKEN OF BEARER"}, status_code: [401]}}
    - {name: refused, uri: {url: "LOGIN/nothing"}, ignore_errors: true}
    - {name: checkout, git: {repo: "GIT/repo.git", dest: CHECKOUT}, delegate_to: localhost, become: false}
    - name: no checkout
      git: {repo: "GIT/none.git", dest: "CHECKOUT.none"}
      delegate_to: localhost
      become: false
      ignore_errors: true
    - name: copied
      copy: {dest: /root/copied, mode: "0600", content: "{{ copy_password }}"}
      vars: {copy_password: "COPY"}
    - {name: of a vault, copy: {dest: /root/vaulted, mode: "0600", src: vaulted.txt}}
    - {name: templated, template: {dest: /root/templated, mode: "0600", src: page.j2}, vars: {page_token: "TEMPLATE"}}
    - name: line
      lineinfile: {path: /root/templated, line: "PASSWORD={{ line_password }}"}
      vars: {line_password: "LINEINFILE"}
    - {name: account, user: {name: planted, password: "$6$saltsalt$USER"}}
    - {name: generated, command: cat /root/generated, register: generated, no_log: true}
    - {name: shown, debug: {msg: "{{ generated.stdout }} {{ generated.stdout | b64encode }}"}}
    - {name: again, command: "cat /root/generated.{{ item }}", loop: [1], register: many, no_log: true}
    - {name: all, debug: {var: many.results}}
    - name: login
      shell: 'printf "%s\\n" "login failed for $NAME:$WORD" >&2; exit 1'
      environment: {NAME: "{{ item.name }}", WORD: "{{ item.password }}"}
      loop: [{name: a, password: "LOOP"}]
      ignore_errors: true
"""


def plant(shop: Project, plants: Plants, base: str, checkout: Path) -> None:
    """Write the project with all secrets in their places, for its owner alone."""
    shop.write("Dockerfile", BUILD)
    shop.edit("compose.yaml", "build: .", "build: {context: ., secrets: [npm]}")
    names = [name for name in SHAPES if name != "NPM_TOKEN"]
    names += ["API_TOKEN", "CACHE_URL", "FROM_VAULT", "FROM_ENV", "DOTENV_PASSWORD"]
    listed = "".join(f"      {name}: ${{{name}}}\n" for name in names)
    shop.edit("compose.yaml", "      DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}\n",
              "      DEPLOY_RELEASE: ${DEPLOY_RELEASE:-dev}\n" + listed)  # fmt: skip
    shop.edit("compose.yaml", "\nnetworks:\n", "\nsecrets:\n  npm: {environment: NPM_TOKEN}\n\nnetworks:\n")
    shop.look_often()
    shop.variables |= {
        "db_password": plants["db_password"], "smtp": {"host": "mail", "password": plants["smtp.password"]},
        "accounts": [{"name": "a", "token": plants["accounts.token"]}], "cache_url": plants["cache_url"],
        "deploy_secrets": {
            **shop.variables["deploy_secrets"], **{name: plants[name] for name in SHAPES},
            "FROM_VAULT": "{{ scalar }}", "FROM_ENV": "{{ lookup('env', 'PLANTED_SECRET') }}",
        },
        "deploy_env": {"API_TOKEN": plants["API_TOKEN"], "CACHE_URL": plants["CACHE_URL"]},
        "deploy_registries": [
            {"server": "registry.example.com", "username": "ci", "password": plants["registry"]},
            {"server": "r2.example.com", "username": "ci", "password": "{{ lookup('env', 'PLANTED_REGISTRY') }}"},
        ],
        "gate_patience": 6,
    }  # fmt: skip
    shop.host_variables[shop.fleet.names[0]] = {
        "ansible_user": "vip", "ansible_password": plants["ansible_password"], "ansible_become": True,
        "ansible_become_password": plants["ansible_become_password"], "backup_api_key": plants["backup_api_key"],
    }  # fmt: skip
    files = {
        "vault-password": VAULT_PASSWORD,
        "vaulted.json": _sealed(json.dumps({"vaulted": plants["vaulted -e @file"]})),
        "extra.json": json.dumps(
            {"extra_token": plants["-e @file"], "tree": {"deep_secret": plants["nested in -e @file"]}}
        ),
        "app/.env": f"DOTENV_PASSWORD={plants['DOTENV_PASSWORD']}\n",
        "tasks.yml": _tasks(plants, base, checkout),
        "vault.yml": _sealed(json.dumps({"whole": {"of": {"it": plants["vault file"]}}})),
        "more.yml": f"more_password: {plants['include_vars']}\n",
        "pipe.txt": plants["pipe"],
        "vaulted.txt": _sealed(plants["vaulted src of copy"]),
        "page.j2": "<p>{{ page_token }} {{ db_password }}</p>\n",
        "inventories/group_vars/all.yml": "scalar: !vault |\n"
        + "".join(f"  {line}\n" for line in _sealed(plants["vault scalar"]).splitlines()),
    }
    for name, text in files.items():
        path = shop.room / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    made = {"generated": "no_log", "generated.1": "no_log in a loop"}
    for name, plant_name in made.items():
        ask(shop.host(shop.fleet.names[0]), f"umask 077; echo {plants[plant_name]} >/root/{name}")


def _sealed(text: str) -> str:
    return encrypt(text.encode(), VAULT_PASSWORD.encode()).decode()


def _tasks(plants: Plants, base: str, checkout: Path) -> str:
    words = {
        "PLAY VARS": "play vars", "PLAY ENVIRONMENT": "play environment", "TASK VARS": "task vars",
        "SET FACT": "set_fact",
        "TASK ENVIRONMENT": "task environment", "STDIN": "stdin", "URL PASSWORD": "url_password",
        "TOKEN OF BEARER": "bearer", "COPY": "copy", "TEMPLATE": "template", "LINEINFILE": "lineinfile",
        "USER": "user", "LOOP": "loop",
    }  # fmt: skip
    text = TASKS
    for word, name in words.items():
        text = text.replace(f'"{word}"', f'"{plants[name]}"').replace(f"Bearer {word}", f"Bearer {plants[name]}")
    text = text.replace("$6$saltsalt$USER", f"$6$saltsalt${plants['user']}")
    text = text.replace("LOGIN/", f"http://ann:{plants['uri URL']}@{base}/").replace("BASE/", f"http://{base}/")
    text = text.replace("GIT/", f"http://ann:{plants['git']}@{base}/")
    return text.replace("CHECKOUT", str(checkout))
