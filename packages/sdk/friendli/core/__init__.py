"""The names under which older code imports the same things: `from friendli.core import models`."""

import sys

from friendli import httpclient, models, types, utils

for _module in (httpclient, models, types, utils):
    sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module

__all__ = ["httpclient", "models", "types", "utils"]
