"""Variables, their parts and their types through the debugger's protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from starrylab.session.debugging import model
from starrylab.session.debugging.serving import DebugServer
from tests.debug.control.conftest import Bench
from tests.debug.dwarf.stopped import compiled


class Client:
    """Asks, and gives back the answer or the error's text."""

    def __init__(self, server: DebugServer, sent: list[object]) -> None:
        self.server = server
        self._sent = sent

    def ask(self, command: model.DebugCommand) -> model.DebugAnswer | str:
        self._sent.clear()
        self.server.serve(model.Debug(1, command))
        (reply,) = self._sent
        assert isinstance(reply, model.DebugReply)
        return reply.error or reply.answer or ""

    def variables(self, command: model.DebugCommand) -> dict[str, tuple[int, model.LocalInfo]]:
        answer = self.ask(command)
        assert isinstance(answer, model.Locals), answer
        found = enumerate(answer.variables)
        return {v.name: (n, v) for n, v in found if not v.hidden or v.is_argument}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    bench = Bench(compiled("types.c", "-O0"))
    sent: list[object] = []
    server = DebugServer(bench.debugger, sent.append)
    bench.debugger.run()
    server.serve(model.Debug(1, model.Break("stop")))
    bench.debugger.resume()
    bench.debugger.run()
    yield Client(server, sent)
    bench.close()


def test_variables_open_part_by_part(client: Client) -> None:
    top = client.variables(model.GetLocals(frame=1))
    index, head = top["head"]
    assert (head.type_name, head.expandable) == ("node_t", True)
    below = client.variables(model.Expand((index,), frame=1))
    below = client.variables(model.Expand((index, below["next"][0]), frame=1))
    assert below["colour"][1].text == "BLUE"
    zeros = model.Expand((top["zeros"][0],), frame=1, start=97, count=2)
    assert list(client.variables(zeros)) == ["[97]", "[98]"]
    assert "no such variable" in str(client.ask(model.Expand((999,), frame=1)))


def test_types(client: Client) -> None:
    def described(text: str, form: str) -> tuple[str, ...] | str:
        answer = client.ask(model.Describe(text, frame=1, form=form))
        return answer.lines if isinstance(answer, model.Lines) else str(answer)

    assert described("head.next", "name") == ("struct node *",)
    assert described("enum access", "definition") == ("enum access {READ = 1, WRITE, EXEC = 4}",)
    assert described("union number", "layout")[-1] == "} /* 4 bytes */"
    assert described("nothing", "definition") == 'no symbol "nothing" in current context'


def test_assignment_and_registers(client: Client) -> None:
    assert client.ask(model.Evaluate("wide = 5, wide + 1", frame=1)) == model.Text("6")
    assert client.ask(model.Evaluate("$s6 = 77", frame=0)) == model.Text("77")
    assert client.ask(model.Evaluate("$s6", frame=0, letter="x")) == model.Text("0x4d")


def test_registers_are_explained(client: Client) -> None:
    answer = client.ask(model.ExplainRegister("fcsr"))
    assert isinstance(answer, model.Lines)
    assert answer.lines[0].startswith("fcsr = 0x")
    assert answer.lines[-1].endswith("rounding mode")
    outer = dict(client.ask(model.GetRegisters(frame=1)).registers)
    answer = client.ask(model.ExplainRegister("sp", frame=1))
    assert answer.lines[0].startswith(f"sp = {outer['sp']:#x}")
    assert answer != client.ask(model.ExplainRegister("sp"))
    assert client.ask(model.ExplainRegister("nothing")) == "invalid register nothing"
