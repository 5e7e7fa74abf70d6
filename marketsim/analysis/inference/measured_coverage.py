"""How often intervals of 95 % cover the truth at six to nine replications, as it was measured.

The smallest coverage over the distributions of tests/verification/test_inference.py (normal, t with three degrees,
gamma of skewness one, normal rounded to half its standard deviation), 200,000 samples each, which checks these figures.
"""

from __future__ import annotations

COVERAGE = {
    "student_t": {6: 0.94, 7: 0.94, 8: 0.94, 9: 0.94},
    "jackknife_t": {6: 0.93, 7: 0.93, 8: 0.93, 9: 0.93},
    "clopper_pearson": {6: 0.95, 7: 0.95, 8: 0.95, 9: 0.95},
    "bonett_price": {6: 0.95, 7: 0.95, 8: 0.95, 9: 0.95},
}
"""By method and number of replications."""


def measured_coverage(method: str, replications: int) -> float:
    """The coverage of a nominal 95 % that was measured for six to nine replications."""
    return COVERAGE[method][replications]
