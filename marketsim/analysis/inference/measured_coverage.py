"""How often intervals of 95 % cover the truth at six to nine replications, as it was measured.

The smallest coverage over the distributions of tests/verification/test_inference.py, which checks these figures:
normal, t with three degrees, gamma of skewness one (the smallest), normal rounded to half its standard deviation;
and of ratios those with denominators that vary by 30 %, exponential, or absolute normal. The intervals of shares are
exact or wider: at least this.
"""

from __future__ import annotations

COVERAGE = {
    "student_t_skew": {6: 0.949, 7: 0.95, 8: 0.95, 9: 0.951},
    "jackknife_t_skew": {6: 0.948, 7: 0.946, 8: 0.945, 9: 0.945},
    "clopper_pearson": {6: 0.95, 7: 0.95, 8: 0.95, 9: 0.95},
    "bonett_price": {6: 0.95, 7: 0.95, 8: 0.95, 9: 0.95},
}
"""By method and number of replications."""


def measured_coverage(method: str, replications: int) -> float:
    """The coverage of a nominal 95 % that was measured for six to nine replications."""
    return COVERAGE[method][replications]
