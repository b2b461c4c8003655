"""`python -m admin_module serve | migrate | openapi`."""

from admin_module.config import Settings, example
from admin_module.main import create_app
from artstore_kit.command import run

if __name__ == "__main__":
    run("admin_module", Settings, create_app, example)
