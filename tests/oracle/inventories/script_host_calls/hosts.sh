#!/bin/sh
case "$1" in
--list) echo '{"web": {"hosts": ["a", "b", "c"]}, "db": {"hosts": ["a"], "vars": {"p": 1}}}' ;;
--host) case "$2" in a) echo '{"v": "of a"}' ;; b) ;; *) echo '{}' ;; esac ;;
esac
