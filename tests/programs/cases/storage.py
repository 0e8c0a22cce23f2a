"""Programs that keep data: a database in a file, version control, keys and transfers."""

from __future__ import annotations

from harness import inputs
from harness.registry import case
from harness.run import Run

_SQL = """
CREATE TABLE event(id INTEGER PRIMARY KEY, kind TEXT, weight INTEGER, note TEXT);
BEGIN;
.read ROWS
COMMIT;
CREATE INDEX by_kind ON event(kind, weight);
SELECT kind, count(*), sum(weight), group_concat(note, '; ') FROM event WHERE weight > 900000 GROUP BY kind ORDER BY 3 DESC LIMIT 20;
WITH RECURSIVE path(n, id) AS (SELECT 0, 1 UNION ALL SELECT n + 1, (id * 31 + 7) % (SELECT max(id) FROM event) FROM path WHERE n < 500)
SELECT sum(e.weight), max(e.note) FROM path JOIN event e USING (id);
SELECT a.kind, count(*) FROM event a JOIN event b ON a.kind = b.kind AND a.weight < b.weight WHERE a.id % 10 = 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10;
SELECT id, rank() OVER (PARTITION BY substr(kind, 1, 1) ORDER BY weight DESC) AS r, upper(note) FROM event ORDER BY r, id LIMIT 30;
UPDATE event SET note = replace(note, 'a', 'AA') || json_array(id, kind) WHERE id % 3 = 0;
DELETE FROM event WHERE weight % 7 = 0;
VACUUM;
PRAGMA integrity_check;
SELECT no_such_column FROM event;
"""


@case("sqlite3")
def sqlite3(run: Run) -> None:
    rows = run.input("rows.sql", inputs.sql_rows, 8000, 160000)
    script = _SQL.replace("ROWS", str(rows)).encode()
    run.command("sqlite3", "events.db", stdin=script, status=1)
    run.command("sqlite3", "events.db", ".dump event")


@case("git", exec_heavy=True)
def git(run: Run) -> None:
    tree = run.input("tree", inputs.many_files, 250, 2500)
    prose = run.input("prose.txt", inputs.prose, 3000, 30000)
    repository = run.state / "repository"
    settings = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "C",
        "GIT_COMMITTER_EMAIL": "c@example.org",
    }

    def do(*words: object, date: int = 0, status: int = 0) -> None:
        stamp = f"{1500000000 + date} +0000"
        run.command(
            "git", "-C", repository, "-c", "pack.threads=1", "-c", "gc.auto=0", *map(str, words),
            env={**settings, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}, status=status,
        )  # fmt: skip

    run.command("git", "init", "-q", "-b", "main", repository, env=settings)
    run.command("cp", "-a", f"{tree}/.", repository, preload=False)
    do("add", "-A")
    do("commit", "-q", "-m", "first")
    lines = prose.read_text().splitlines(keepends=True)
    for turn in range(run.scaled(3, 12)):
        half = lines[turn * 40 :] + lines[: turn * 15]
        (repository / "prose.txt").write_text("".join(half))
        do("add", "prose.txt")
        do("commit", "-q", "-m", f"turn {turn}", date=turn + 1)
    do("switch", "-q", "-c", "side", "HEAD~1")
    (repository / "prose.txt").write_text("other\n")
    do("commit", "-q", "-a", "-m", "side", date=50)
    do("merge", "main", date=51, status=1)
    do("merge", "--abort")
    do("switch", "-q", "main")
    do("log", "--stat", "-p", "--all", "--format=fuller")
    do("blame", "-s", "prose.txt")
    do("log", "--oneline", "-S", "lo mu")
    do("grep", "-n", "-e", "ba", "--and", "-e", "lo")
    do("repack", "-q", "-a", "-d", "-f")
    do("gc", "-q", "--prune=now")
    do("fsck", "--full", "--no-progress")
    do("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(objectsize) %(deltabase)")
    do("archive", "--format=tar", "HEAD", "-o", run.output / "head.tar")


@case("openssl")
def openssl(run: Run) -> None:
    key = run.input("key.pem", inputs.rsa_key, 2048, 2048)
    prose = run.input("prose.txt", inputs.prose, 6000, 300000)
    secret = "00112233445566778899aabbccddeeff"
    run.command("openssl", "dgst", "-sha512", "-sign", key, "-out", "signature", prose)
    run.command("openssl", "rsa", "-in", key, "-pubout", "-out", "public.pem")
    run.command("openssl", "dgst", "-sha512", "-verify", "public.pem", "-signature", "signature", prose)
    run.command("openssl", "enc", "-aes-256-cbc", "-K", secret * 2, "-iv", secret, "-in", prose, "-out", "secret")
    run.command("openssl", "enc", "-d", "-aes-256-cbc", "-K", secret * 2, "-iv", secret, "-in", "secret")
    run.command("openssl", "enc", "-aes-128-ctr", "-pbkdf2", "-iter", run.scaled(50000, 2000000), "-k", "word",
                "-S", secret[:16], "-a", "-in", key)  # fmt: skip
    run.command("openssl", "asn1parse", "-in", key)
    run.command("openssl", "unknown-command", status=1)


@case("curl")
def curl(run: Run) -> None:
    tree = run.input("tree", inputs.many_files, 800, 8000)
    files = [p for p in sorted(tree.rglob("*.txt")) if not p.is_symlink()][: run.scaled(150, 5000)]
    listing = "".join(f'url = "file://{path}"\n' for path in files)
    run.command("curl", "-s", "-K", run.write("urls", listing))
    prose = run.input("prose.txt", inputs.prose, 12000, 300000)
    run.command("curl", "-sS", "-r", "1000-200000", "-o", "part.txt", f"file://{prose}")
    run.command("curl", "-sS", f"file://{run.state}/nowhere", status=37)
