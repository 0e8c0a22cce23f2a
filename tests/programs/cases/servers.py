"""Servers on loopback addresses and Unix sockets: started, loaded, stopped, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from pathlib import Path

from harness import inputs
from harness.registry import case
from harness.run import Argument, CaseFailure, Run


def _accepts(address: object) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe, contextlib.suppress(OSError):
        probe.connect(address)  # type: ignore[arg-type]
        return True
    return False


@case("redis", "redis-server", "redis-benchmark", "redis-cli")
def redis(run: Run) -> None:
    address = str(run.state / "redis.sock")
    server = ("redis-server", "--port", "0", "--unixsocket", address, "--dir", run.state, "--save", "", "--daemonize", "no",
              "--dbfilename", "dump.rdb", "--appendonly", "no")  # fmt: skip

    def ask(*words: Argument, stdin: bytes = b"") -> bytes:
        return run.command("redis-cli", "-s", address, *words, stdin=stdin).output

    def ready() -> bool:
        return _accepts(address)

    def stop() -> None:
        ask("shutdown", "save")

    count = run.scaled(3000, 60000)
    lines = "".join(
        f"SET key:{n} {'v' * (n * 37 % 900)}{n}\nLPUSH list:{n % 50} {n * 7}\nHSET hash:{n % 30} f{n} {n * n}\n"
        f"ZADD ranks {n * 31 % 1009} m{n}\nAPPEND key:{n // 2} more\nDEL key:{n // 3}\n"
        for n in range(count)
    )
    digest = ("eval", "local s = 0 for i, k in ipairs(redis.call('keys', 'key:*')) do s = s + #redis.call('get', k) end "
              "return {s, redis.call('dbsize'), redis.call('zcard', 'ranks')}", "0")  # fmt: skip
    with run.server(*server, ready=ready, stop=stop):
        run.command("redis-cli", "-s", address, "--pipe", stdin=lines.replace("\n", "\r\n").encode(), compared=False)
        before = ask(*digest)
        ask("zrange", "ranks", "0", "40", "withscores")
        ask("lrange", "list:7", "0", "20")
        run.command("redis-benchmark", "-s", address, "-q", "-n", run.scaled(3000, 100000), "-c", "20", "-d", "200",
                    "-r", "1000", "-t", "set,get,lpush,lrange_100,mset", "-P", "8", compared=False)  # fmt: skip
        ask("del", "mylist")
    with run.server(*server, ready=ready, stop=stop):
        after = ask(*digest)
        if not before or not after:
            raise CaseFailure("redis answers nothing")
        ask("hget", "hash:3", "f3")


@case("nginx", "nginx", "curl")
def nginx(run: Run) -> None:
    tree = run.input("tree", inputs.many_files, 300, 1500)
    state = run.state
    user = "user nobody nogroup;" if os.geteuid() == 0 else ""
    files = [p for p in sorted(tree.rglob("*.txt")) if not p.is_symlink()][: run.scaled(200, 1500)]
    site = state / "site"
    shutil.copytree(tree, site, symlinks=True)
    for path in (site, *site.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    (site / "page.shtml").write_text('<!--#set var="a" value="b" --><!--#echo var="a" --><!--#include virtual="/missing" -->\n')
    settings = f"""
{user} worker_processes 2; daemon off; pid {state}/nginx.pid; error_log {state}/error.log;
events {{ worker_connections 128; }}
http {{
    access_log {state}/access.log; gzip on; gzip_min_length 100; gzip_types text/plain; types {{ text/html shtml; }}
    default_type text/plain; server_tokens off; ssi on;
    client_body_temp_path {state}/t1; proxy_temp_path {state}/t2; fastcgi_temp_path {state}/t3;
    uwsgi_temp_path {state}/t4; scgi_temp_path {state}/t5;
    server {{ listen 127.0.0.1:{run.port}; root {site}; location /again/ {{ proxy_pass http://127.0.0.1:{run.port}/; }}
              location /text {{ return 200 "$request_uri $arg_x\\n"; }} }}
}}
"""
    command = ("nginx", "-c", run.write("nginx.conf", settings), "-e", state / "error.log", "-p", state)
    base = f"http://127.0.0.1:{run.port}"

    def stop() -> None:
        run.command(*command, "-s", "quit")

    with run.server(*command, ready=lambda: _accepts(("127.0.0.1", run.port)), stop=stop):
        urls = [f"{base}{prefix}/{path.relative_to(tree)}" for path in files for prefix in ("", "/again")]
        listing = "".join(f'url = "{url}"\n' for url in urls)
        for options in (("-s",), ("-s", "--compressed")):
            run.command("curl", *options, "-K", run.write("urls", listing))
        run.command(*command, "-s", "reload")
        time.sleep(0.2)
        run.command("curl", "-s", f"{base}/page.shtml", f"{base}/text?x=1", f"{base}/nowhere")
        run.command("curl", "-s", "-X", "POST", "--data-binary", f"@{files[0]}", f"{base}/again/text", "-w", "%{http_code}\n")
    served = sum(1 for line in (state / "access.log").read_text().splitlines() if " 200 " in line)
    run.fact("requests answered", b"%d" % served)


def _postgres_programs() -> Path:
    """The folder of the newest server installed: Debian keeps it out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    folder = shutil.which("postgres", path="/usr/bin:/usr/local/bin")
    if found:
        return found[-1].parent
    if folder:
        return Path(folder).resolve().parent
    raise CaseFailure("no postgres found")


@case("postgres", "psql", "setpriv")
def postgres(run: Run) -> None:
    rows = run.input("rows.sql", inputs.sql_rows, 4000, 60000)
    programs = _postgres_programs()
    data = run.state / "data"
    # The server refuses to run as root.
    other: tuple[str, ...] = ()
    if os.geteuid() == 0:
        other = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")
        shutil.chown(run.state, "nobody", "nogroup")
    run.command(*other, programs / "initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "--no-locale",
                "-E", "UTF8", compared=False)  # fmt: skip
    address = run.state / ".s.PGSQL.5432"
    server: tuple[Argument, ...] = (*other, programs / "postgres", "-D", data, "-k", run.state, "-c", "listen_addresses=", "-c", "fsync=off",
              "-c", "autovacuum=off", "-c", "max_parallel_workers_per_gather=0")  # fmt: skip
    ask = ("psql", "-h", str(run.state), "-U", "tester", "-d", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=0")

    def ready() -> bool:
        return address.exists() and b"1" in run.command(*ask, "-tc", "select 1", compared=False, status=None).output

    def stop() -> None:
        run.command(*other, programs / "pg_ctl", "stop", "-s", "-D", data, "-m", "fast")

    digest = "SELECT count(*), sum(weight), md5(string_agg(note, ',' ORDER BY id)) FROM event;"
    with run.server(*server, ready=ready, stop=stop):
        run.command(*ask, "-c", "CREATE TABLE event(id int PRIMARY KEY, kind text, weight int, note text)")
        run.command(*ask, "-1", "-f", rows)
        work = (
            "CREATE INDEX ON event(kind, weight); ANALYZE event;\n"
            "SELECT kind, count(*), string_agg(note, '; ' ORDER BY id) FROM event WHERE weight > 900000 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 9;\n"
            "SELECT a.kind, count(*) FROM event a JOIN event b ON a.kind = b.kind AND a.weight < b.weight WHERE a.id % 10 = 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 9;\n"
            "DO $$ DECLARE t text := ''; BEGIN FOR i IN 1..3000 LOOP t := substr(t || md5(i::text), 1, 900); END LOOP; RAISE NOTICE '%', t; END $$;\n"
            "SELECT jsonb_object_agg(kind, n) FROM (SELECT kind, count(*) n FROM event GROUP BY 1 ORDER BY 1 LIMIT 50) x;\n"
            "SELECT no_such_column FROM event;\nUPDATE event SET note = upper(note) WHERE id % 3 = 0;\n"
        )
        run.command(*ask, "-f", run.write("work.sql", work))
        run.command(*ask, "-c", digest)
    with run.server(*server, ready=ready, stop=stop):
        run.command(*ask, "-c", digest)


@case("stress-ng", "stress-ng", "bash")
def stress_ng(run: Run) -> None:
    # It prints times and process ids or, when quiet, nothing; its verdict is its status.
    for work in (
        f"--malloc 2 --malloc-ops {run.scaled(3000, 25000)} --malloc-bytes 16M --malloc-pthreads 2",
        f"--fork 1 --fork-ops {run.scaled(100, 1000)}",
    ):
        run.command("bash", "-c", f"stress-ng --quiet --seed 7 --verify --temp-path {run.state} {work}; echo status $?")
