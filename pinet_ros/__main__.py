"""`python -m pinet_ros`, and `torchrun -m pinet_ros`: the command line `pinet`."""

from pinet_ros.cli import main

if __name__ == "__main__":
    main()
