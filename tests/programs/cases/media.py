"""Pictures, films, pages and plots."""

from __future__ import annotations

from harness import inputs
from harness.registry import case
from harness.run import Run


@case("ffmpeg")
def ffmpeg(run: Run) -> None:
    seconds = run.scaled(1, 12)
    quiet = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y")
    exact = ("-threads", "2", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")
    picture = f"testsrc2=size=320x180:rate=24:duration={seconds}"
    sound = f"sine=frequency=440:duration={seconds}"
    run.command(*quiet, "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *exact,
                "-c:v", "mpeg4", "-q:v", "5", "-c:a", "aac", "film.mkv")  # fmt: skip
    run.command(*quiet, "-i", "film.mkv", "-vf", "scale=160:90,hflip", *exact, "-f", "framemd5", "-")
    # With threads of its own x264 does not always decide alike.
    run.command(*quiet, "-i", "film.mkv", *exact, "-c:v", "libx264", "-preset", "veryfast", "-an",
                "-x264-params", "threads=1:lookahead-threads=1:sync-lookahead=0", "other.mp4")  # fmt: skip
    run.command(*quiet, "-i", "nowhere.mkv", "-f", "null", "-", status=None)


@case("convert")
def convert(run: Run) -> None:
    size = run.scaled(300, 1400)
    plain = ("-define", "png:exclude-chunks=date,time", "-strip")
    limits = ("-limit", "thread", "2")
    run.command("convert", *limits, "-seed", "7", "-size", f"{size}x{size}", "plasma:tomato-steelblue", *plain, "a.png")
    run.command("convert", *limits, "a.png", "-resize", "60%", "-blur", "0x3", "-rotate", "17", *plain, "b.png")
    run.command("convert", *limits, "a.png", "b.png", "-background", "black", "-append", "-colors", "64", *plain, "c.gif")
    run.command("convert", *limits, "a.png", "-quality", "80", *plain, "d.jpg")
    run.command("convert", "nowhere.png", "e.png", status=1)


@case("gs")
def gs(run: Run) -> None:
    pages = run.scaled(2, 45)
    document = "%!PS\n" + "".join(
        f"/Helvetica findfont {8 + n % 5} scalefont setfont\n"
        f"1 1 60 {{ /i exch def i 8 mul 40 add i 11 mul 20 add moveto (page {n} line ) show i 3 string cvs show }} for\n"
        f"0 3 357 {{ gsave 300 400 translate rotate 0.{n % 9} 0.5 0.7 setrgbcolor 0 0 moveto 200 10 150 90 {n} 180 curveto stroke grestore }} for\n"
        "showpage\n"
        for n in range(pages)
    )
    source = run.write("pages.ps", document)
    quiet = ("gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER")
    run.command(*quiet, "-sDEVICE=png16m", "-r72", "-sOutputFile=page-%02d.png", source)
    run.command(*quiet, "-sDEVICE=txtwrite", "-sOutputFile=-", source)
    broken = run.write("broken.ps", "%!PS\n1 0 div\n")
    run.command(*quiet, "-sDEVICE=nullpage", broken, status=1)


@case("rsvg-convert")
def rsvg(run: Run) -> None:
    shapes = "".join(
        f'<g transform="rotate({n * 7} 200 200)"><path d="M200 200 q {n % 90} 40 {n % 150} {n % 110} t 30 {n % 70}" '
        f'stroke="rgb({n % 256},{n * 3 % 256},90)" fill="url(#g)" fill-opacity="0.{n % 9 + 1}"/></g>'
        for n in range(run.scaled(300, 6000))
    )
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><defs><linearGradient id="g">'
        '<stop offset="0" stop-color="red"/><stop offset="1" stop-color="navy"/></linearGradient>'
        f'<filter id="f"><feGaussianBlur stdDeviation="2"/></filter></defs><g filter="url(#f)">{shapes}</g></svg>'
    )
    run.command("rsvg-convert", "-o", "drawing.png", run.write("drawing.svg", text))


@case("gnuplot")
def gnuplot(run: Run) -> None:
    samples = run.scaled(3000, 60000)
    script = (
        f"set terminal svg size 600,400 dynamic\nset output 'plot.svg'\nset samples {samples}\n"
        "set dummy x\nf(x) = sin(x) / x + 0.1 * sin(30 * x)\nplot [-20:20] f(x) with lines, besj0(x), gamma(x / 9)\n"
        f"set output 'surface.svg'\nset isosamples {run.scaled(40, 220)}\nset hidden3d\n"
        "splot [-5:5][-5:5] sin(x * y) / (1 + x**2)\n"
        "set print 'numbers.txt'\ndo for [i = 1:200] { print sprintf('%d %.6f', i, f(i / 3.0)) }\n"
    )
    run.command("gnuplot", run.write("plot.gp", script))


@case("dot")
def dot(run: Run) -> None:
    graph = run.input("graph.dot", inputs.graph_dot, 130, 330)
    run.command("dot", "-Tplain", graph)
    run.command("dot", "-Tsvg", "-o", "graph.svg", graph)
    run.command("dot", "-Tsvg", run.write("broken.dot", "digraph {"), status=1)
