#!/bin/sh
echo '{"web": {"hosts": ["s1"]}, "_meta": {"hostvars": {"s1": {"v": "script"}, "a": {"v": "script"}}}}'
