"""A Unix socket that passes on to another one what comes, or does what broken networks do."""

import asyncio
import os
import threading


class Proxy:
    """`mode` is what it does with what comes:

    pass     forwards it;
    delay    forwards it a second late;
    swallow  takes it, and nothing ever comes back: a peer that has gone without a word;
    cut      closes every connection, and each new one at once.
    """

    def __init__(self, listen, target):
        self.listen, self.target = listen, target
        self._mode = 'pass'
        self._connections = set()
        self._loop = asyncio.new_event_loop()
        listens = threading.Event()
        threading.Thread(target=self._run, args=(listens,), daemon=True).start()
        listens.wait()

    def _run(self, listens):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_unix_server(self._connected, self.listen))
        os.chmod(self.listen, 0o777)
        listens.set()
        self._loop.run_forever()

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        def change():
            # What was swallowed is missing: such a connection must not go on.
            if mode == 'cut' or self._mode == 'swallow':
                for writer in self._connections:
                    writer.transport.abort()
            self._mode = mode

        self._loop.call_soon_threadsafe(change)

    async def _connected(self, reader, writer):
        if self._mode == 'cut':
            return writer.transport.abort()
        try:
            to_reader, to_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            return writer.transport.abort()
        both = {writer, to_writer}
        self._connections |= both
        try:
            await asyncio.gather(self._forward(reader, to_writer), self._forward(to_reader, writer))
        except OSError:
            pass
        finally:
            self._connections -= both
            for end in both:
                end.transport.abort()

    async def _forward(self, reader, writer):
        while data := await reader.read(65536):
            if self._mode == 'delay':
                await asyncio.sleep(1)
            if self._mode != 'swallow':
                writer.write(data)
                await writer.drain()
        # One side has ended: so does the other.
        raise ConnectionResetError
