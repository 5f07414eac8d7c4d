"""Tables and citations: what LaTeX and BibTeX make of them, and that nothing in use is left out."""

import re
import shutil
import subprocess

import pytest

import dse
import hwmodels
import workloads
from dse.results.citing import Behind, sources
from dse.views.bibtex import bibliography, bibtex
from dse.views.latex import escaped
from hwmodels.components.prices import Price, PriceTable
from tests.dse import tiny
from workloads import Network

NAUGHTY = r"50% of $x_1 & {y} #2 ~ ^ \ < > × – µ ² °"


@pytest.fixture(scope="module")
def front():
    return dse.sweep(tiny.network(), tiny.space(), progress=False).front()


@pytest.fixture(scope="module")
def marked(front):
    named = front.mark({"latency_s": 2e-5, "energy_j": 3e-5, "array.rows": 12}, NAUGHTY)
    return named.mark(dse.evaluate(tiny.network(), "edge_16x16"))


def rows_of(table):
    inside = table.split(r"\midrule")[1].split(r"\bottomrule")[0]
    return [
        [cell.strip() for cell in line.rstrip("\\ ").split(" & ")] for line in inside.strip().splitlines()
    ]


def test_a_table_has_what_varies_and_the_objectives(front):
    table = front.to_latex()
    head = table.split(r"\toprule")[1].split(r"\midrule")[0]
    designs = front.designs().drop_duplicates("index")
    varying = [name for name in front.space.fields if designs[name].nunique() > 1]
    *above, names, units = head.strip().removesuffix(r"\\").split("\\\\\n")
    assert all(line.count("&") == len(varying) + 3 for line in (*above, names, units))
    assert [name.strip() for name in names.split(" & ")[-3:]] == ["{Latency}", "{Energy}", "{Area}"]
    assert units.split(" & ")[-3].strip() == r"{(\unit{\micro\second})}"
    assert units.split(" & ")[-1].strip() == r"{(\unit{\milli\metre\squared})}"
    place = 1 + varying.index("array.rows")
    assert [line.split("&")[place].strip() for line in (*above, names)] == ["array", "rows"]
    assert "array.rows" not in table
    rows = rows_of(table)
    assert len(rows) == len(designs)
    knee = next(row for row in rows if "knee" in row[0])
    assert float(knee[-3]) == pytest.approx(1e6 * front.knee()["latency_s"], rel=5e-3)
    assert all(len(row) == len(varying) + 4 for row in rows)
    fixed = [name for name in front.space.fields if name not in varying]
    assert ("All: " in table) == bool(fixed)


def test_the_note_below_a_table_leaves_its_width_alone():
    """It was as wide as the page, and the table's last column with it."""
    axes = {
        "array.rows": [8, 16],
        "array.dataflow": ["os"],
        "clock_hz": ["500 MHz"],
        "main_memory": ["lpddr4"],
    }
    narrow = dse.sweep(tiny.network(), dse.Space("edge_16x16", axes), progress=False).front()
    note = narrow.to_latex().split(r"\addlinespace")[1].split(r"\end{tabular}")[0].strip().splitlines()
    said = [re.fullmatch(r"\\multicolumn\{\d+\}\{l\}\{\\footnotesize (.*)\} \\\\", line)[1] for line in note]
    assert " ".join(said) == "All: array dataflow os, clock 500 MHz, main memory lpddr4."
    assert max(map(len, said)) <= 45
    marked = narrow.mark({"latency_s": 1e-3, "energy_j": 1e-3}, "Doe 2024").to_latex()
    assert "All costed: array dataflow os" in marked
    assert marked.splitlines()[0].count("S[") == 3  # what is not known of it makes no column


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"edp": "EDP"}, "names: 'edp' is no column or design of the front"),
        ({-1: "Ours"}, "names: -1 is no column or design of the front"),
        ({"edp_js": 1}, "names: 'edp_js' must become a text, got 1"),
        ({(): "x"}, "no column or design"),
    ],
)
def test_names_of_nothing_are_refused(front, names, message):
    with pytest.raises((KeyError, ValueError), match=message):
        front.to_latex(names=names)


def test_columns_names_caption_label_and_digits_are_the_reader_s(front):
    index = int(front.frame.index[0])
    table = front.to_latex(
        [index],
        columns=["edp_js", "utilisation", "main_memory"],
        names={"edp_js": "EDP_1", index: "Ours & co"},
        caption="50% better",
        label="tab:front_1",
        digits=5,
    )
    assert table.startswith("\\begin{table}\n\\centering\n\\footnotesize\n")
    assert "\n\\caption{50\\% better}\n\\label{tab:front_1}\n" in table
    assert front.to_latex(caption="wide", wide=True).endswith("\\end{table*}\n")
    assert r"{EDP\_1} & " in table
    assert r"(\unit{\percent})" in table
    (row,) = rows_of(table)
    assert row[0] == r"Ours \& co"
    assert len(re.sub(r"^0\.0*|\.", "", row[1])) == 5
    assert float(row[2]) == pytest.approx(100 * front.frame.loc[index, "utilisation"], rel=1e-4)
    with pytest.raises(KeyError, match="the front has no column 'edp'; did you mean 'edp_js'"):
        front.to_latex(columns=["edp"])
    with pytest.raises(KeyError, match="design -5 is not on the front"):
        front.to_latex([-5])
    with pytest.raises(ValueError, match="digits must be a whole number from 1 to 15, got 0"):
        front.to_latex(digits=0)


def test_marked_designs_are_rows_with_what_is_known_of_them(marked):
    rows = rows_of(marked.to_latex(columns=["array.rows", "main_memory", "latency_s", "area_mm2"]))
    assert rows[-2] == [escaped(NAUGHTY), "12", "--", "20.0", "{--}"]
    assert rows[-1][1:3] == ["16", "LPDDR4"]


def has_class(name):
    found = subprocess.run(["kpsewhich", f"{name}.cls"], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


@pytest.mark.parametrize(
    ("document", "style"),
    [("[twocolumn]{article}", "plain"), ("[conference]{IEEEtran}", "IEEEtran")],
    ids=["article", "IEEEtran"],
)
def test_latex_compiles_tables_and_bibtex_the_citations(marked, tmp_path, document, style):
    if shutil.which("pdflatex") is None or shutil.which("bibtex") is None:
        pytest.skip("pdflatex and bibtex are not installed")
    if not has_class(document.rpartition("{")[2].rstrip("}")):
        pytest.skip(f"the class of {document} is not installed (Debian: texlive-publishers)")
    machines = [hwmodels.load(name) for name in ("edge_16x16", "spring", "eyeriss_v1")]
    found = sources(machines, [("lenet5", ""), (NAUGHTY, f"Doe et al., {NAUGHTY}, 2030")], ["knee", "nsga2"])
    (tmp_path / "ours.bib").write_text(bibtex(found), encoding="utf-8")
    body = marked.to_latex(caption=NAUGHTY, label="tab:a", names={"knee": NAUGHTY})
    first = int(marked.frame.index[0])
    body += marked.to_latex([first], columns=["edp_js", "clock_hz", "dram_read_bytes", "main_memory"])
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass{document}" + r"\usepackage{booktabs,siunitx,textcomp}"
        r"\begin{document}\nocite{*}"
        + "\n"
        + body
        + rf"\bibliographystyle{{{style}}}"
        + r"\bibliography{ours}\end{document}",
        encoding="utf-8",
    )
    for command in (
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"],
        ["bibtex", "paper"],
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "error message" not in done.stdout.lower()
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_names_of_one_design_stand_below_each_other(front):
    "A column of a paper is narrow, and the design of least energy is often the knee or the fastest, too."
    assert front.designs().loc["knee", "index"] == front.designs().loc["least energy", "index"]
    assert r"\shortstack[l]{knee,\\least energy} & " in front.to_latex()
    assert r"\shortstack[l]{a\_b,\\least energy} & " in front.to_latex(names={"knee": "a_b"})


def test_a_table_with_its_own_heads_fits_a_column(front, tmp_path):
    if shutil.which("pdflatex") is None or not has_class("IEEEtran"):
        pytest.skip("pdflatex and IEEEtran are not installed (Debian: texlive-publishers)")
    axes = ["array.rows", "array.cols", "buffers.weight.bytes", "latency_s", "energy_j", "area_mm2"]
    table = front.to_latex(columns=axes, caption="Ours")
    document = r"\documentclass[conference]{IEEEtran}\usepackage{booktabs,siunitx}\begin{document}"
    (tmp_path / "paper.tex").write_text(f"{document}\n{table}\\end{{document}}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def entries(text):
    return dict(re.findall(r"@\w+\{([^,]+),\n((?:  .*\n)*)\}", text))


def test_citations_name_networks_machines_prices_memories_and_methods(front):
    text = dse.evaluate("lenet5", "spring").cite()
    found = entries(text)
    assert {"springboard", "lecun1998", "yu2020spring", "codebench", "nvmain", "stillmaker2017"} <= set(found)
    assert "% network lenet5\n@article{lecun1998," in text
    both = entries(front.cite())
    assert {"das1999", "horowitz2014", "cacti7", "dramsys"} <= set(both)
    assert "oconnor2017" in both  # HBM2 is on this front too
    assert "network tiny: no source is stated" in front.cite()
    searched = dse.search(tiny.network(), tiny.space(), budget=40, strategy="nsga2", progress=False)
    assert {"deb2002", "pymoo"} <= set(entries(searched.cite()))
    assert text.count("{") == text.count("}")


def test_a_front_keeps_the_source_of_its_network(tmp_path):
    """Of a variant of a built-in network, of one's own, of several; saved, stored and searched too."""
    variant = workloads.load("mobilenet_v2", width=0.35, resolution=96)
    own = Network(tiny.network().graph, source="Smith et al., ISCA 2030, table 2")
    space = dse.Space("edge_16x16", {"array.rows": [8, 16]})
    for network, key in ((variant, "sandler2018"), (own, "smith2030")):
        name = network.name
        swept = dse.sweep(network, space, store=tmp_path / f"{key}-store", progress=False)
        swept.front().save(tmp_path / key)
        fronts = [swept.front(), dse.open(tmp_path / f"{key}-store").front(), dse.open(tmp_path / key)]
        fronts.append(dse.search(network, space, strategy="certified", progress=False))
        for front in fronts:
            assert re.search(rf"% network {re.escape(name)}\n@\w+{{{key},", front.cite()), name
    both = dse.search(dse.several([variant, own]), space, strategy="certified", progress=False)
    both.save(tmp_path / "both")
    assert both.cite() == dse.open(tmp_path / "both").cite()
    assert {"sandler2018", "smith2030"} <= set(entries(both.cite()))


def test_a_source_of_one_s_own_is_cited_in_its_words():
    price = Price(
        component="mac", quantity="energy_pj", value=0.1, node_nm=22.0, source="Doe & Roe, DAC 2031"
    )
    machine = hwmodels.load("edge_16x16").replace({"technology.prices": PriceTable(name="p", rows=(price,))})
    found = sources([machine], [("mine", "Smith et al., ISCA 2030, table 2")], ())
    assert Behind("prices of mac.energy_pj", "Doe & Roe, DAC 2031") in found
    text = bibtex(found)
    assert entries(text)["smith2030"].strip() == "note = {Smith et al., ISCA 2030, table 2},"
    assert r"note = {Doe \& Roe, DAC 2031}" in text


def test_every_machine_and_network_of_the_package_can_be_cited():
    for name in hwmodels.names():
        text = bibtex(sources([hwmodels.load(name)], [], ()))
        assert len(entries(text)) >= 3, name
        assert text.count("{") == text.count("}")
    for name in ("resnet50", "vgg16", "bert_base", "mobilenet_v2", "gpt2_decode", "llama2_7b"):
        found = entries(bibtex([Behind(f"network {name}", workloads.load(name).source)]))
        assert len(found) >= 2, name
        assert "note" not in "".join(body for key, body in found.items() if key != "springboard"), name


def test_the_bibliography_is_sound():
    keys = [entry.key for entry in bibliography()]
    assert len(set(keys)) == len(keys)
    for entry in bibliography():
        assert entry.author, entry.key
        assert entry.title, entry.key
        assert (entry.author + entry.title).count("{") == (entry.author + entry.title).count("}")


def test_pruning_is_cited_by_its_work():
    """Every scheme that names a work has it in the bibliography, and a network says how it was pruned."""
    net = workloads.load("lenet5")
    pruned = net.sparsify("n_m", n=2, m=4).sparsify("erk", density=0.1)
    assert pruned.source.endswith("n_m: Mishra et al., arXiv 2104.08378; erk: Evci et al., RigL, ICML 2020")
    assert {"lecun1998", "mishra2021", "evci2020"} <= set(entries(dse.evaluate(pruned, "scnn").cite()))
    assert net.sparsify("uniform", density=0.5).source == net.source  # no work to cite
    for line in workloads.schemes().values():
        stated = line.rpartition("[")[2].removesuffix("]")
        found = [entry.key for entry in bibliography() if entry.pattern.search(stated)]
        assert found or "20" not in stated, stated
        assert "chen2019" not in found
