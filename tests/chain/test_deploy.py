#!/usr/bin/env python3
"""Goal of this test: what lies in deploy/ is good for what it is for: units
that systemd accepts, YAML that parses and hangs together, job scripts that
call rdbpipe as they say; and every verb, option and setting in them exists."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from harness import cases, programs                             # noqa: E402
from harness.cases import each, equal, holds, skip              # noqa: E402
from harness.programs import run                                # noqa: E402

DEPLOY = os.path.join(programs.ROOT, "deploy")
JOB = os.path.join(DEPLOY, "slurm", "rdbpipe-set.sbatch")


def text(*path):
    with open(os.path.join(DEPLOY, *path), encoding="utf-8") as f:
        return f.read()


def documents(name):
    """Those of a YAML file, by kind."""
    try:
        import yaml
    except ImportError:
        skip("python3-yaml is not installed")
    found = list(yaml.safe_load_all(text("kubernetes", name)))
    return {d["kind"]: d for d in found}


# --- what rdbpipe is told to do ---

def commands():
    """(file, verb, options) of every call of rdbpipe."""
    for path in sorted(glob.glob(os.path.join(DEPLOY, "**", "*"),
                                 recursive=True)):
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as f:
            lines = re.sub(r'", "', " ", f.read()).split("\n")
        for line in lines:
            for verb, rest in re.findall(
                    r"(?:\brdbpipe|/rdbpipe) (auto|backup|check)\b([^`;|)]*)",
                    line):
                yield (os.path.relpath(path, DEPLOY), verb,
                       re.findall(r"--([a-z-]+)", rest))


def test_options_exist():
    found = list(commands())
    for kind in "systemd", "kubernetes", "slurm":
        equal(any(f.startswith(kind) and options for f, _, options in found),
              True, f"{kind} calls rdbpipe")
    for path, verb, options in found:
        known = re.findall(r"--([a-z-]+)", run("rdbpipe", verb, "--help")
                           .good().out.decode())
        for option in options:
            equal(option in known, True, f"{path}: rdbpipe {verb} --{option}")


# --- systemd ---

def test_units():
    if not shutil.which("systemd-analyze"):
        skip("systemd-analyze is not installed")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(DEPLOY, "systemd"), folder,
                        dirs_exist_ok=True)
        units = sorted(glob.glob(os.path.join(folder, "*.service")) +
                       glob.glob(os.path.join(folder, "*.timer")))
        for unit in units:      # the program may not be installed here
            with open(unit, encoding="utf-8") as f:
                was = f.read()
            with open(unit, "w", encoding="utf-8") as f:
                f.write(was.replace("/usr/local/bin/rdbpipe",
                                    programs.path("rdbpipe")))
        equal(verify(units), (0, ""), "systemd-analyze verify")
        drop = os.path.join(folder, "rdbpipe-.service.d", "confine.conf")
        with open(drop, "a", encoding="utf-8") as f:
            f.write("NoSuchThing=yes\n")
        holds("NoSuchThing", verify(units)[1])     # so it was looked at


def verify(units):
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", *units],
                          capture_output=True, text=True, check=False)
    # Of our units only: the machine's own may have faults.
    ours = [line for line in said.stderr.splitlines() if "rdbpipe" in line]
    return said.returncode, "\n".join(ours)


def test_every_timer_has_a_service():
    timers = [os.path.basename(f)[:-6] for f in
              glob.glob(os.path.join(DEPLOY, "systemd", "*.timer"))]
    services = [os.path.basename(f)[:-8] for f in
                glob.glob(os.path.join(DEPLOY, "systemd", "*.service"))]
    equal(sorted(timers), sorted(services))


# --- Kubernetes ---

def pods():
    job = documents("set.yaml")["Job"]["spec"]
    return {"auto.yaml": documents("auto.yaml")["CronJob"]["spec"]
            ["jobTemplate"]["spec"]["template"]["spec"],
            "set.yaml": job["template"]["spec"]}


@each("auto.yaml", "set.yaml")
def test_pod_hangs_together(name):
    pod = pods()[name]
    box, = pod["containers"]
    config = documents("config.yaml")
    names = {v["name"]: v for v in pod["volumes"]}
    equal({m["name"] for m in box["volumeMounts"]}, set(names), "volumes")
    equal(names["config"]["configMap"]["name"],
          config["ConfigMap"]["metadata"]["name"])
    secret = config["Secret"]
    equal(names["secret"]["secret"]["secretName"], secret["metadata"]["name"])
    wanted = [i["key"] for i in names["secret"]["secret"]["items"]]
    wanted += [e["valueFrom"]["secretKeyRef"]["key"] for e in box["env"]
               if "secretKeyRef" in e.get("valueFrom", {})]
    for key in wanted:
        equal(key in secret["stringData"], True, f"{key} in the Secret")
    equal(pod["securityContext"]["runAsNonRoot"], True)
    equal(box["securityContext"]["readOnlyRootFilesystem"], True)


def test_configuration_is_taken():
    """The ConfigMap's file, by rdbpipe itself."""
    conf = documents("config.yaml")["ConfigMap"]["data"]["rdbpipe.conf"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(conf)
        shown = run("rdbpipe", "config", "show", "--config", path,
                    env={"RDBPIPE_STORE": ""}).good().out.decode()
        holds("/run/secrets/rdbpipe/shop.password", shown)
        run("rdbpipe", "plan", "show", "--config", path).good()
    pod = pods()["auto.yaml"]["containers"][0]
    mounts = {m["mountPath"] for m in pod["volumeMounts"]}
    equal({"/run/secrets/rdbpipe", "/etc/rdbpipe"} <= mounts, True, "mounts")


def test_indexes_become_workers():
    job = documents("set.yaml")["Job"]["spec"]
    box = job["template"]["spec"]["containers"][0]
    env = {e["name"]: e["value"] for e in box["env"] if "value" in e}
    path, = [e["valueFrom"]["fieldRef"]["fieldPath"] for e in box["env"]
             if "fieldRef" in e.get("valueFrom", {})]
    holds("job-name", path)     # one name for all pods, another each time
    equal("generateName" in documents("set.yaml")["Job"]["metadata"], True)
    env["SET"] = "rdbpipe-set-x7"
    equal((job["completionMode"], job["completions"], job["parallelism"]),
          ("Indexed", int(env["WORKERS"]), int(env["WORKERS"])))
    heard = [called(box["command"], {**env, "JOB_COMPLETION_INDEX": str(i)})
             for i in range(job["completions"])]
    equal(heard, [f"backup shop --worker {k}/3 --join {env['SET']}"
                  for k in (1, 2, 3)])


def called(words, env):
    """What a stand-in for rdbpipe is told by a command."""
    with tempfile.TemporaryDirectory() as folder:
        standin = os.path.join(folder, "rdbpipe")
        with open(standin, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nprintf "%s\\n" "$*"\n')
        os.chmod(standin, 0o755)
        said = subprocess.run(
            words, env={"PATH": folder + ":/usr/bin:/bin", **env},
            capture_output=True, text=True, check=False)
        return said.stdout.strip() if said.returncode == 0 else said.stderr


# --- Slurm ---

def test_array_task():
    env = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "1",
           "SLURM_ARRAY_JOB_ID": "77", "INSTANCE": "shop", "WORKERS": "3"}
    equal(called(["/bin/sh", JOB], env),
          "backup shop --worker 2/3 --join slurm-77")
    equal(called(["/bin/sh", JOB], {**env, "SET": "slurm-70"}),
          "backup shop --worker 2/3 --join slurm-70")
    for name in "INSTANCE", "WORKERS":
        less = {k: v for k, v in env.items() if k != name}
        holds(f"{name}: ", called(["/bin/sh", JOB], less))


def test_array_options():
    """sbatch reads its own lines up to the first command."""
    head = text("slurm", "rdbpipe-set.sbatch").split("\nset -eu")[0]
    found = re.findall(r"^#SBATCH --([a-z-]+)", head, re.M)
    equal(len(found) >= 5, True, "options of sbatch")
    if not shutil.which("sbatch"):
        skip("sbatch is not installed")
    with tempfile.TemporaryDirectory() as folder:
        conf = os.path.join(folder, "slurm.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write("ClusterName=x\nSlurmctldHost=localhost(127.0.0.1)\n"
                    "NodeName=localhost\n")
        known = subprocess.run(["sbatch", "--help"], capture_output=True,
                               text=True, check=False,
                               env={**os.environ, "SLURM_CONF": conf}).stdout
        for option in found:
            equal(f"--{option}" in known, True, f"sbatch --{option}")


if __name__ == "__main__":
    cases.main()
