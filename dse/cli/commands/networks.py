"""`springboard networks`."""

from dse.cli.options import Json, print_json


def command(json: Json = False) -> None:
    """List the built-in networks.

    With their trained parameters and multiply-accumulates of one input.

    \b
    springboard networks
    springboard networks --json
    """
    import workloads
    from dse.quantities import si
    from dse.report import text_table

    networks = [workloads.load(name) for name in workloads.names()]
    if json:
        print_json([{"name": n.name, "parameters": n.parameters, "macs": n.macs} for n in networks])
        return
    rows = [["network", "parameters", "MACs"]]
    rows += [[n.name, si(n.parameters, digits=4), si(n.macs, digits=4)] for n in networks]
    print(text_table(rows))
