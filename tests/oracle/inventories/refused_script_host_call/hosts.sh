#!/bin/sh
[ "$1" = --list ] && echo '{"a": {"hosts": ["h"]}}'
[ "$1" = --list ]
