#!/bin/sh
cat <<'END'
{"web": {"hosts": ["a", "b"], "vars": {"v": 1, "t": "{{ x }}"}, "children": ["sub"]},
 "sub": ["c", "d"], "alone": {"x": 1}, "nothing": {"hosts": []},
 "_meta": {"hostvars": {"a": {"x": [1, null, true, 1.5, {"k": "v"}]}, "zz": {"y": 1}, "c": {}}}}
END
