"""`python -m admin_module serve | migrate | reseal | openapi`."""

import asyncio

from admin_module.config import Settings, example
from admin_module.factory import reseal
from admin_module.main import create_app
from artstore_kit.command import Verb, run


def _reseal(settings: Settings) -> str:
    return f"{asyncio.run(reseal(settings))} secrets were sealed anew."


if __name__ == "__main__":
    verbs = {"reseal": Verb("seal anew what was sealed with a previous sealing key", _reseal)}
    run("admin_module", Settings, create_app, example, verbs)
