"""The socket on which the server listens."""

from __future__ import annotations

import asyncio
import socket

from lindley.apps.web.serving import HOST, listen


def test_answers_are_sent_at_once():
    """Without TCP_NODELAY the second of two quick answers waits 40 ms for the client's delayed acknowledgement."""

    async def option_of_a_connection():
        found = asyncio.get_running_loop().create_future()

        def note(reader, writer):
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen(0) as listener:
            async with await asyncio.start_server(note, sock=listener):
                _, writer = await asyncio.open_connection(HOST, listener.getsockname()[1])
                option = await found
                writer.close()
                await writer.wait_closed()
                return option

    assert asyncio.run(option_of_a_connection())
