"""The command line: python -m scale --help, in the folder examples."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sizes of many masks on a Dask cluster, and training from sizes on several processes.",
)

# Each command imports what it needs: Dask's workers start from this file, too, and need no Lightning.


@app.command()
def draw(
    store: Annotated[Path, typer.Argument(help="Where the Zarr array goes.")],
    images: Annotated[int, typer.Option(min=1, help="How many masks.")] = 100_000,
    chunk: Annotated[int, typer.Option(min=1, help="Masks in a chunk of the store.")] = 1000,
    height: Annotated[int, typer.Option(min=1)] = 48,
    width: Annotated[int, typer.Option(min=1)] = 32,
) -> None:
    """Draw a Zarr array of masks, to try the next command on."""
    from scale.store import draw_store

    if store.exists():
        sys.exit(f"scale: {store}: is there already")
    draw_store(store, images, chunk, height, width)
    print(f"{images} masks of {height} x {width} pixels: {store}")


@app.command()
def measure(
    store: Annotated[str, typer.Argument(help="A Zarr array, shape (images, height, width) or (images, d, h, w).")],
    result: Annotated[Path, typer.Argument(help="A folder for the Parquet files; all workers must reach it.")],
    address: Annotated[
        str | None, typer.Option(help="Of a Dask scheduler, such as tcp://host:8786.", show_default="workers here")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine, where no address is given.")] = 2,
    memory: Annotated[str, typer.Option(help="Of each of them, such as 1GiB: one that takes more ends.")] = "auto",
    part: Annotated[
        int | None, typer.Option(min=1, help="Masks that are done at a time, about.", show_default="64 million pixels")
    ] = None,
) -> None:
    """Write the size of every mask to Parquet; what was stopped goes on with the same command."""
    from scale import measure as measuring

    try:
        with measuring.cluster_at(address, workers, memory) as client:
            job = measuring.measure(store, result, client, part)
    except measuring.ScaleError as error:
        sys.exit(f"scale: {error}")
    print(f"{job.shape[0]} sizes in {job.parts} parts: {result}")


@app.command()
def train(
    processes: Annotated[int, typer.Option(min=1, help="On each machine.")] = 2,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; each runs this command, see README.md.")] = 1,
    accelerator: Annotated[str, typer.Option(help="cpu or gpu.")] = "cpu",
    images: Annotated[int, typer.Option(min=1, help="Training images, all of which are drawn.")] = 512,
    batch: Annotated[int, typer.Option(min=1, help="Images of a step in each process.")] = 32,
    epochs: Annotated[int, typer.Option(min=1)] = 10,
    output: Annotated[Path, typer.Option(help="Where the trained network goes.")] = Path("network.ckpt"),
) -> None:
    """Train from a few outlines and many sizes under Lightning's DDP."""
    from scale.training import train as run

    trainer, model, results = run(processes, nodes, accelerator, images, batch, epochs)
    trainer.save_checkpoint(output)
    difference = model.difference_between_processes()
    if trainer.is_global_zero:
        each = f"{trainer.world_size} processes, {batch} images a step in each, {trainer.global_step} steps"
        print(f"{each}\n\n{'other images':<20}{'E':>8}{'IoU':>8}")
        for name, result in zip(("before", "after"), results, strict=True):
            print(f"{name:<20}{result['E']:8.2f}{result['IoU']:8.3f}")
        print(f"\nWeights of the processes: {'equal' if difference == 0 else f'differ by {difference}'}")
        print(f"The network: {output}")
    if difference != 0:
        sys.exit("scale: the processes should have ended with the same weights")


def main() -> None:
    """Run a command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit("scale: stopped; measure goes on from here with the same command")


if __name__ == "__main__":
    main()
