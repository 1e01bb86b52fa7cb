"""A program for a network namespace: makes private addresses its own and tries to fetch from them.

Prints how many were refused. A canary listens on all of them; only the public one may be reached.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

from friendli_server.errors import ApiError
from friendli_server.intake import fetch
from friendli_server.intake.fetch import Fetcher

V4 = ["169.254.169.254", "169.254.170.2", "192.0.0.192", "100.100.100.200", "10.0.0.5"]
V4 += ["172.16.0.5", "192.168.7.7", "100.64.0.9", "198.18.0.4"]
V6 = ["fd00:ec2::254", "fc00::9", "2002:7f00:1::1", "64:ff9b::a9fe:a9fe", "2001:db8::5", "fec0::5"]
PUBLIC, PORT = "93.184.216.34", 8080


def ip(*words: str) -> bool:
    """Whether `ip` did what it was told."""
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


def addresses() -> list[str]:
    """Every private host to try, after making them this machine's."""
    assert ip("link", "set", "lo", "up")
    for address in [*V4, PUBLIC]:
        assert ip("addr", "add", f"{address}/32", "dev", "lo"), address
    six = [a for a in V6 if ip("-6", "addr", "add", f"{a}/128", "dev", "lo", "nodad")]
    mapped = [f"[::ffff:{address}]" for address in V4]
    return [*V4, *mapped, *(f"[{address}]" for address in six), "127.0.0.1", "localhost"]


async def main() -> None:
    """Try all of them."""
    hosts, reached = addresses(), []

    async def canary(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret")
        await writer.drain()
        writer.close()

    await asyncio.start_server(canary, None, PORT)
    fetch.SECONDS = 60.0  # a busy machine is no fault of the guard
    fetcher = Fetcher()
    for host in hosts:
        try:
            await fetcher.fetch(f"http://{host}:{PORT}/latest/meta-data/")
        except ApiError:
            continue
        sys.exit(f"{host} was fetched")
    assert reached == [], reached
    assert await fetcher.fetch(f"http://{PUBLIC}:{PORT}/a.png") == b"secret"
    assert reached == [PUBLIC], "the canary does listen"
    await fetcher.aclose()
    print(len(hosts))  # noqa: T201  # what the test reads


if __name__ == "__main__":
    asyncio.run(main())
