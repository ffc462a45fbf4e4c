"""The web side: pages and their JSON, the application that mounts every room's routes, and `ropewalk up`.

Other rooms import from here and nowhere deeper.
"""

from ropewalk.web.app import create_app
from ropewalk.web.server import serve

__all__ = ["create_app", "serve"]
