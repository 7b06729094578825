"""A bare uvicorn that reads a POST and answers 204: what HTTP alone costs. Prints its port."""

import socket
from typing import Any

import uvicorn
import uvloop


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and throws it away."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def main() -> None:
    """Serves until it is terminated."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, http="httptools", lifespan="off", access_log=False, log_level="error")
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(main())
