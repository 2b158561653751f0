#!/bin/sh
echo '{"p": {"children": ["q", "r"]}, "q": {"hosts": ["z", "y"]}, "r": {"hosts": ["y", "x"], "vars": {"ansible_group_priority": 5, "v": 1}}, "all": {"vars": {"a": 1}, "children": ["p"]}, "ungrouped": {"hosts": ["u"]}, "_meta": {"hostvars": {}}}'
