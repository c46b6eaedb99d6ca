"""The socket on which the server listens."""

from __future__ import annotations

import asyncio
import socket

from lindley.apps.web.serving import HOST, listen, listen_again


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


def test_a_project_has_the_same_port_each_time_and_a_free_one_where_it_is_taken(tmp_path):
    with listen_again(tmp_path) as first:
        usual = first.getsockname()[1]
        with listen_again(tmp_path) as second:
            assert second.getsockname()[1] != usual
    with listen_again(tmp_path / ".." / tmp_path.name) as again:
        assert again.getsockname()[1] == usual
    with listen_again(tmp_path / "another") as other:
        assert other.getsockname()[1] != usual
