"""Command line `pinet`, as `python -m pinet_ros.cli` or `torchrun -m pinet_ros.cli`."""

from pinet_ros.cli.main import main

if __name__ == "__main__":
    main()
