"""Many masks on many processes: their sizes with Dask, and a training from sizes with Lightning's DDP."""
