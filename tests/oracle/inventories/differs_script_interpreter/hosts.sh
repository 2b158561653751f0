#!/nonexistent/python
