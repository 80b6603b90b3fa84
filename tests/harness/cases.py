"""Run the test functions of a file: each test_* function is a case.

A test file ends with

    if __name__ == "__main__":
        cases.main()

and is run as a program, with words that select cases as arguments.  A case
passes when it returns, fails when it raises, and is skipped when it calls
skip(reason).  With args=[(..), ..] as a decorator one function is several
cases.  The last line is "N passed, N failed, N skipped"; the exit status is 1
when any failed or none ran, 77 when all were skipped.
"""

import os
import sys
import time
import traceback


class Skipped(Exception):
    """The case cannot run here; the text says why."""


def skip(reason):
    raise Skipped(reason)


def long(function):
    """A case that takes its time: for RDBPIPE_SOAK=1, or words that name it."""
    function.long = True
    return function


def each(*argument_lists):
    """Make one case of the decorated function per argument tuple."""
    def mark(function):
        function.case_args = [a if isinstance(a, tuple) else (a,)
                              for a in argument_lists]
        return function
    return mark


def equal(got, want, what="value"):
    """Fail, naming both, unless got is want."""
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def holds(words, text, what="text"):
    """Fail unless the text (bytes or str) contains the words."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if words not in text:
        raise AssertionError(f"{what}: no {words!r} in {text!r}")


def _cases(module):
    for name, function in list(vars(module).items()):
        if not name.startswith("test_") or not callable(function):
            continue
        for args in getattr(function, "case_args", [()]):
            words = ", ".join(str(a) for a in args)
            yield f"{name}({words})" if args else name, function, args


def _run(name, function, args):
    """Run one case: its outcome, after a line about it."""
    began = time.monotonic()
    outcome, detail = "passed", ""
    try:
        function(*args)
    except Skipped as reason:
        outcome, detail = "skipped", f": {reason}"
    except (Exception, SystemExit):
        outcome = "failed"
        traceback.print_exc(file=sys.stdout)
    print(f"{outcome}: {name}{detail} ({time.monotonic() - began:.1f} s)",
          flush=True)
    return outcome


def main():
    count = {"passed": 0, "failed": 0, "skipped": 0}
    words = sys.argv[1:]
    for name, function, args in _cases(sys.modules["__main__"]):
        if getattr(function, "long", False) and not words and \
                os.environ.get("RDBPIPE_SOAK") != "1":
            print(f"skipped: {name}: for RDBPIPE_SOAK=1")
            count["skipped"] += 1
        elif not words or any(w in name for w in words):
            count[_run(name, function, args)] += 1
    print(", ".join(f"{n} {what}" for what, n in count.items()), flush=True)
    if count["failed"] or not any(count.values()):
        sys.exit(1)
    sys.exit(0 if count["passed"] else 77)
