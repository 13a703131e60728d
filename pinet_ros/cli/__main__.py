"""`python -m pinet_ros.cli`, and `torchrun -m pinet_ros.cli`: the command line `pinet`."""

from pinet_ros.cli.main import main

if __name__ == "__main__":
    main()
