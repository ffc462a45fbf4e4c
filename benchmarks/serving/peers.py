"""What people write themselves: a small web handler around the model. `python peers.py MODEL_FOLDER SOCKET`."""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm
import pandas as pd
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

BOOSTER = lightgbm.Booster(model_file=str(Path(sys.argv[1]) / "model.lgb"))


async def invocations(request: Request) -> JSONResponse:
    split = (await request.json())["dataframe_split"]
    table = pd.DataFrame(split["data"], columns=split["columns"])
    return JSONResponse({"predictions": BOOSTER.predict(table, num_threads=1).tolist()})


if __name__ == "__main__":
    app = Starlette(routes=[Route("/invocations", invocations, methods=["POST"])])
    uvicorn.run(app, uds=sys.argv[2], log_config=None, access_log=False)
