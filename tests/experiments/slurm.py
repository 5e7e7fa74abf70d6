"""The script of marketsim/experiments/SLURM.md, as a user would copy it."""

import re
from pathlib import Path

import marketsim.experiments

PAGE = Path(marketsim.experiments.__file__).with_name("SLURM.md").read_text(encoding="utf-8")
SCRIPT = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)[0]
