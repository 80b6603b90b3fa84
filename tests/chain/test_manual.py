#!/usr/bin/env python3
"""Goal of this test: what is written about the programs is what they do.
Every program has a page in docs/ with its brief and exactly the options of its
--help; the facts it writes are those of its page and of stages/README.md."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "store"))

import s3double  # noqa: E402
from harness import cases, programs, rdbbytes, stores  # noqa: E402
from harness.cases import each, equal, skip  # noqa: E402
from harness.clusters import Cluster  # noqa: E402
from harness.programs import run  # noqa: E402
from harness.servers import Server  # noqa: E402

DOCS = os.path.join(programs.ROOT, "docs")
STAGES = os.path.join(programs.ROOT, "stages")
NAMES = sorted(f[:-2] for f in os.listdir(STAGES) if f.endswith(".c")) + \
    ["rdbpipe"]

# The letter, the long name and the value ("" for none) of an option.
HELP_OPTION = re.compile(r"^  (?:-(.), |    )--([a-z0-9-]+)(\[=\S+\]| \S+|)",
                         re.M)
PAGE_OPTION = re.compile(r"^\.It (?:Fl (\S) , )?Fl Fl (\S+)(.*)", re.M)


# --- what --help says ---

def help_of(*words):
    return run(*words, "--help").good().out.decode()


def help_options(text):
    """{name: (letter, value)}; the value without brackets."""
    return {name: (letter, value.strip(" [=]").replace("[", ""))
            for letter, name, value in HELP_OPTION.findall(text)}


def verbs():
    """{verb: its brief}, in order."""
    listed = help_of("rdbpipe").split("usage:")[1]
    return dict(re.findall(r"^  (\S+) +(.+)$", listed, re.M))


# --- what a page says ---

def page(name):
    with open(os.path.join(DOCS, name + ".1"), encoding="utf-8") as f:
        return f.read()


def parts(text, macro):
    """{title: text} of its sections (Sh) or subsections (Ss)."""
    pieces = re.split(rf"^\.{macro} (.+)$", text, flags=re.M)
    return dict(zip(pieces[1::2], pieces[2::2]))


def plain(mdoc):
    """An option's value as --help writes it: "ADDR[:PORT]"."""
    words = [w for w in mdoc.split() if w not in ("Ns", "Op", "Ar", "=")]
    return "".join(words)


def page_options(text):
    """As help_options."""
    return {name: (letter, plain(value))
            for letter, name, value in PAGE_OPTION.findall(text)}


def page_facts(text):
    """The facts it lists, in order."""
    return re.findall(r"^\.It Cm (\S+)", parts(text, "Sh")["FACTS"], re.M)


def readme_facts():
    """{program: its facts}, from the table of stages/README.md."""
    found = {}
    with open(os.path.join(STAGES, "README.md"), encoding="utf-8") as f:
        for row in f:
            if re.match(r"\| (rdb|cos)-", row):
                names, said = row.strip("| \n").split(" | ")
                for name in names.split(", "):
                    found[name] = re.findall(r"`([^`]+)`", said)
    return found


def same_options(help_text, page_text):
    said, written = help_options(help_text), page_options(page_text)
    for name in said:       # Op and Ns are gone from optional parts
        letter, value = said[name]
        said[name] = letter, value.replace("[", "").replace("]", "")
    equal(written, said, "options: the page's and --help's")


# --- pages and --help ---

def test_every_program_has_a_page():
    built = sorted(os.listdir(programs.BIN))
    equal(built, sorted(NAMES), "programs built")
    equal(sorted(f[:-2] for f in os.listdir(DOCS) if f.endswith(".1")), built,
          "pages")


@each(*NAMES)
def test_page_says_what_help_says(name):
    text, said = page(name), help_of(name)
    brief = said.split("\n")[0]
    equal(f"{re.search('^.Nm (.+)$', text, re.M)[1]}: "
          f"{re.search('^.Nd (.+)$', text, re.M)[1]}", brief, "NAME")
    if name != "rdbpipe":
        same_options(said, parts(text, "Sh")["OPTIONS"])


def test_every_verb_is_in_the_page():
    listed = parts(parts(page("rdbpipe"), "Sh")["VERBS"], "Ss")
    equal([title.split()[0] for title in listed], list(verbs()), "verbs")
    for title in listed:
        usage = re.search(r"^usage: rdbpipe (.+)$",
                          help_of("rdbpipe", title.split()[0]), re.M)[1]
        equal(title.replace(" ...", "..."),
              usage.replace("[OPTION...]", "").replace("  ", " ").strip())


def test_options_of_verbs():
    """A subsection's title says which verbs its options are for."""
    sections = parts(page("rdbpipe"), "Sh")
    shared = parts(sections["OPTIONS"], "Ss")
    for title, text in parts(sections["VERBS"], "Ss").items():
        verb = title.split()[0]
        text += "".join(of for whom, of in shared.items()
                        if verb in re.findall(r"[a-z-]+", whom)
                        or "every verb" in whom)
        try:
            same_options(help_of("rdbpipe", verb), text)
        except AssertionError as e:
            raise AssertionError(f"{verb}: {e}") from None


def test_no_option_is_two():
    """An option of a verb would hide that of every verb."""
    for verb in verbs():
        names = [o[1] for o in HELP_OPTION.findall(help_of("rdbpipe", verb))]
        equal(len(names), len(set(names)), f"options of {verb}: {names}")


def test_briefs_of_verbs():
    for verb, brief in verbs().items():
        equal(help_of("rdbpipe", verb).split("\n")[0],
              f"rdbpipe {verb}: {brief}")


def test_pages_are_good_mdoc():
    if shutil.which("mandoc"):
        tool = ["mandoc", "-T", "lint", "-W", "warning"]
    elif shutil.which("groff"):
        tool = ["groff", "-mandoc", "-ww", "-Tutf8", "-z"]
    else:
        skip("neither mandoc nor groff is installed")
    for name in sorted(f for f in os.listdir(DOCS) if f[-2] == "."):
        said = subprocess.run([*tool, os.path.join(DOCS, name)],
                              capture_output=True, text=True, check=False)
        equal(said.stdout + said.stderr, "", name)


def test_settings():
    """rdbpipe.conf(5) has the settings of `config keys`, in that order, with
    their values and defaults."""
    rows = [re.split("  +", line, maxsplit=4) for line in
            run("rdbpipe", "config", "keys").good().out.decode()
            .splitlines()[1:]]
    with open(os.path.join(DOCS, "rdbpipe.conf.5"), encoding="utf-8") as f:
        sections = parts(f.read(), "Sh")
    for kind in "store", "instance", "plan":
        text = sections[kind.upper() + "S"]
        equal(re.findall(r"^\.It Cm (\S+) No = Ar (\S+)$", text, re.M),
              [(key, value) for of, key, value, _, _ in rows if of == kind],
              f"settings of {kind}")
        entries = dict(zip(*[iter(re.split(r"^\.It Cm (\S+) .*\n", text,
                                           flags=re.M)[1:])] * 2))
        for of, key, _, default, _ in rows:
            if of != kind:
                continue
            want = "Needed.\n" if default == "needed" else \
                f".Cm {default}\n" if default != "-" else ""
            # Of several that share a text, only the last has it.
            got = re.sub(r" [.,]$", "", entries[key] or want, flags=re.M)
            equal(want in got, True, f"the default of {kind} {key}")


def test_pages_refer_to_pages():
    for name in NAMES:
        for other in re.findall(r"^\.Xr (\S+) 1", page(name), re.M):
            if other not in NAMES:
                raise AssertionError(f"{name} refers to {other}")


def test_version_is_one():
    said = {run(name, "--version").good().out.split()[1] for name in NAMES}
    equal(len(said), 1, f"versions {said}")


# --- what most pages promise ---

@each("rdb-verify", "rdb-digest", "rdb-checksum", "rdb-compress",
      "rdb-filter")
def test_a_cut_stream_is_refused(name):
    data = small_rdb()
    for n in range(len(data)):
        equal(run(name, input=data[:n]).code, 1, f"exit at {n}")


# --- facts ---

def small_rdb():
    f = rdbbytes.File(version=10).aux("redis-ver", "7.0.15").select(0)
    f.key(rdbbytes.STRING, "one", rdbbytes.string("value"))
    f.expire_ms(4102444800000)
    return f.key(rdbbytes.STRING, "two", rdbbytes.string("2")).end().bytes()


def facts(name, *words, data=b"", cwd=None, env=None):
    """The names of the facts of a good run, in order, and what it put out."""
    r, w = os.pipe()
    with os.fdopen(r) as reader:
        result = run(name, "--facts-fd", str(w), *words, input=data, cwd=cwd,
                     env=env, pass_fds=[w]).good()
        os.close(w)
        return [line.split(" ")[0] for line in reader], result.out


def is_listed(fact, listed):
    """db.3.keys is listed as db.N.keys."""
    return any(re.fullmatch(re.sub("N(AME)?", r"[^ ]+", re.escape(entry)),
                            fact) for entry in listed)


def check(name, said):
    """Facts said in a run: in the table and in the page, and nothing that
    either lists was left out."""
    equal(said[-1], "exit", f"{name}: last fact")
    for where, listed in ((f"docs/{name}.1", page_facts(page(name))),
                          ("stages/README.md",
                           readme_facts().get(name, []) + ["exit"])):
        for fact in said:
            if not is_listed(fact, listed):
                raise AssertionError(f"{name} says {fact}, not in {where}")
        for entry in listed:
            if not any(is_listed(fact, [entry]) for fact in said):
                raise AssertionError(f"{where}: {name} does not say {entry}")


def test_facts_of_filters():
    data = small_rdb()
    check("rdb-verify", facts("rdb-verify", data=data)[0])
    check("rdb-digest", facts("rdb-digest", data=data)[0])
    check("rdb-print", facts("rdb-print", data=data)[0])
    check("rdb-checksum", facts("rdb-checksum", "-a", "xxh3-128,sha256,"
                                "crc64-xz", data=data)[0])
    check("rdb-filter", facts("rdb-filter", data=data)[0])
    young = rdbbytes.File(version=10).function("#!lua name=x\n").key(
        rdbbytes.QUICKLIST_2, "list", rdbbytes.length(0)).end().bytes()
    check("rdb-convert", facts("rdb-convert", "--to", "redis-6.0", "--lossy",
                               "--quiet", data=young)[0])
    said, packed = facts("rdb-compress", data=data)
    check("rdb-compress", said)
    check("rdb-decompress", facts("rdb-decompress", data=packed)[0])


def test_facts_of_a_directory():
    """The first four, and no more."""
    want = page_facts(page("cos-get"))[:4] + ["exit"]
    with tempfile.TemporaryDirectory() as folder:
        equal(facts("cos-put", "store/x", data=small_rdb(), cwd=folder)[0],
              want)
        equal(facts("cos-get", "store/x", cwd=folder)[0], want)


def test_facts_of_an_object_store():
    data = b"x" * (2 << 20)
    with stores.Double() as store:
        env, url = store.env(), store.url("x")
        said = facts("cos-put", "--part-size", "1M", "--trust-eof", url,
                     data=data, env=env)[0]
        with s3double.Double() as s3:   # which has another checksum
            said += facts("cos-put", s3.url("x", checksum="crc64nvme"),
                          data=small_rdb(), env=s3.env())[0]
        check("cos-put", said)
        for name, where in (("cos-get", url), ("cos-ls", store.url()),
                            ("cos-rm", url)):
            check(name, facts(name, where, env=env)[0])
        check("cos-url", facts("cos-url", url, env={
            **env, "TENCENTCLOUD_TOKEN": "t"})[0])


def test_facts_of_servers():
    with Server() as source, Server() as target, \
            Cluster(masters=1) as cluster:
        source.call("SET", "key", "value")
        said, rdb = facts("rdb-capture", source.url())
        for url in source.url(), cluster.url():
            said[:-1] += facts("rdb-capture", "--via", "scan", url)[0][:-1]
        check("rdb-capture", said)
        said = facts("rdb-restore", target.url(), data=rdb)[0][:-1]
        for words in ("--dry-run", "--flush"), ("--via", "restore", "--flush"):
            said += facts("rdb-restore", target.url(), *words, data=rdb)[0]
        check("rdb-restore", said)


if __name__ == "__main__":
    cases.main()
