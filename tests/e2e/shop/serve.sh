# What the container does: a story breaks a release here.
exec httpd -f -p 8080 -h /www
