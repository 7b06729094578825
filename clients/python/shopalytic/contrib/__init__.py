"""Middleware for web frameworks: the visitor, who is signed in, and `shopalytic.track` within a request.

`shopalytic.contrib.django`, `.asgi` (Starlette, FastAPI) and `.wsgi` (Flask); each
needs the framework that it is for, and nothing else.
"""
