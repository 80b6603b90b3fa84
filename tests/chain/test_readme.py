#!/usr/bin/env python3
"""Goal of this test: README.md does not go stale, nor do the examples of the
manual.  The commands are run as printed, line by line, but for addresses and
paths, against real servers; and what README.md's tables name is there."""

import os
import re
import stat
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, data, programs, servers  # noqa: E402
from harness.cases import equal, holds  # noqa: E402
from harness.certs import Certs  # noqa: E402
from harness.programs import run, shell  # noqa: E402

PASSWORD = "a secret"


def section(title):
    with open(os.path.join(programs.ROOT, "README.md"),
              encoding="utf-8") as f:
        pieces = re.split(r"^## (.+)\n", f.read(), flags=re.M)
    return dict(zip(pieces[1::2], pieces[2::2]))[title]


def blocks(title):
    """The sh blocks of a section, each a list of lines."""
    return [text.strip().split("\n") for text in
            re.findall(r"^```sh\n(.*?)^```", section(title), re.M | re.S)]


def examples(page):
    """The commands among the examples of a manual page."""
    with open(page, encoding="utf-8") as f:
        text = f.read().split(".Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    text = text.replace("\\e\n    ", "").replace("|\n    ", "| ")
    return re.findall(r"^(?:\.Dl )?\$ (.+)$", text, re.M)


class Tour:
    """Two servers, of which the first holds data, and a folder in which a
    reader of README.md would type."""

    def __init__(self, folder):
        self.folder = folder
        certs = Certs(os.path.join(folder, "certs"))
        self.source = servers.Server(tls=certs, config=[
            "tls-auth-clients no",
            f'user backup on ">{PASSWORD}" +psync +replconf +ping'])
        self.target = servers.Server()
        data.fill(self.source, keys=500)
        self.put("pw", PASSWORD + "\n")
        os.rename(certs.ca, os.path.join(folder, "ca.pem"))
        for name in ("a.rdb", "b.rdb"):
            shell(f"rdb-capture {self.source.url()} > {name}",
                  cwd=folder).good()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.stop()
        self.target.stop()

    def put(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def local(self, line):
        """The line with our addresses and paths."""
        for theirs, ours in (
                ("redis://127.0.0.1:6379", self.source.url()),
                ("redis://127.0.0.1:6380", self.target.url()),
                ("@host:6390", f"@{servers.LOCALHOST}:{self.source.tls_port}"),
                ("@127.0.0.1:6390", f"@127.0.0.1:{self.source.tls_port}"),
                ("redis://host ", self.source.url() + " "),
                ("/backups", os.path.join(self.folder, "backups"))):
            line = line.replace(theirs, ours)
        return line

    def type(self, line):
        """Run it; what it put out."""
        result = shell(self.local(line), cwd=self.folder)
        if result.code != 0:
            raise AssertionError(
                f"{line}\nended {result.code}: {result.err.decode()}")
        return result.out.decode()

    def type_all(self, lines):
        """All of them into a target that is empty at first."""
        self.target.call("FLUSHALL")
        self.target.call("FUNCTION", "FLUSH")
        return [self.type(line) for line in lines]


def output_is_written_not_replaced():
    """A program told to write to what is no file, such as /dev/null, must not
    put a file in its place: as root it could, and the driver says it."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        end = os.open(fifo, os.O_RDWR)
        run("rdb-checksum", "--trust-eof", "--output", fifo, input=b"words")
        os.close(end)
        equal(stat.S_ISFIFO(os.lstat(fifo).st_mode), True,
              "rdb-checksum --output left the pipe in its place")
        equal(os.listdir(folder), ["fifo"])


def test_tour():
    output_is_written_not_replaced()
    with tempfile.TemporaryDirectory() as folder, Tour(folder) as tour:
        driver, by_hand, alone = blocks("A tour")
        backup, listed, shown, verified, cloned, well, held, pruned = \
            tour.type_all(driver)
        holds("-manual\n", backup)
        holds("before the upgrade", listed)
        holds(backup.strip(), shown)
        holds(": good, ", verified)
        holds(" equal\n", cloned)
        equal({line.split()[0] for line in well.splitlines()}, {"ok"})
        equal(held, f"held cache/{backup}")
        holds("  keep    last good, held\n", pruned)
        data.same(tour.source, tour.target)
        dry = tour.type(driver[0] + " --dry-run")
        tour.type(dry)

        tour.type_all(by_hand)
        data.same(tour.source, tour.target)

        checked, digests, lines, _, _, _, tls, sums = tour.type_all(alone)
        equal(lines.count('{"db":') > 500, True, "lines of keys")
        equal(checked.count(": ok: "), 2, "dumps that are ok")
        one, two = (line.split()[:5] for line in digests.splitlines())
        equal(one, two, "digests")
        equal(tls.split()[:5], one, "digest over TLS")
        equal(sums, "stdin: OK\n")
        run("rdb-verify", os.path.join(folder, "dump.rdb")).good()


def test_examples_of_the_manual():
    output_is_written_not_replaced()
    with tempfile.TemporaryDirectory() as folder, Tour(folder) as tour:
        docs = os.path.join(programs.ROOT, "docs")
        for page in sorted(p for p in os.listdir(docs) if p.endswith(".1")):
            lines = examples(os.path.join(docs, page))
            equal(bool(lines), True, f"examples of {page}")
            shell("cp a.rdb dump.rdb && rdb-compress < dump.rdb |"
                  "tee dump.rdb.zst | cos-put backups/dump.rdb.zst",
                  cwd=folder).good()
            # Object stores are tried by tests/store/ and have no place here.
            tour.type_all([line for line in lines
                           if "cos://" not in line and "s3://" not in line])


def test_what_is_named_is_there():
    tree = re.findall(r"^\| `([^`]+)` \|.*", section("The tree"), re.M)
    equal(len(tree) > 5, True, "folders in the table")
    for name in tree:
        equal(os.path.isdir(os.path.join(programs.ROOT, name)), True, name)
    with open(os.path.join(programs.ROOT, "Makefile")) as f:
        targets = re.findall(r"^([a-z-]+):", f.read(), re.M)
    for title in "Two commands", "Tests":
        for target in re.findall(r"\bmake ([a-z]+)[ `]", section(title)):
            if target not in targets:
                raise AssertionError(f"make {target} in '{title}'")


def test_exit_codes_are_those_of_help():
    """0 good, 1 ... as every --help has them, in fewer words."""
    codes = re.findall(r"(\d(?:\d\d/\d+)?) [a-z]", section("Exit codes"))
    said = run("rdb-verify", "--help").good().out.decode()
    said = said.split("Exit status:")[1]
    equal(codes, re.findall(r"(\d(?:\d\d/\d+)?) [a-z]", said), "exit codes")


if __name__ == "__main__":
    cases.main()
