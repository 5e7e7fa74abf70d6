"""How often intervals of 95 % cover the truth at six to nine replications, as it was measured.

The smallest coverage over the distributions of tests/verification/test_inference.py, which checks these figures:
normal, t with three degrees, gamma of skewness one (the smallest), normal rounded to half its standard deviation;
and of ratios those with denominators that vary by 30 %, exponential, or absolute normal. The intervals of shares are
exact or wider: at least this.
"""

from __future__ import annotations

COVERAGE = {
    "student_t": {6: 0.933, 7: 0.933, 8: 0.935, 9: 0.936},
    "jackknife_t": {6: 0.933, 7: 0.934, 8: 0.933, 9: 0.935},
    "clopper_pearson": {6: 0.95, 7: 0.95, 8: 0.95, 9: 0.95},
    "bonett_price": {6: 0.95, 7: 0.95, 8: 0.95, 9: 0.95},
}
"""By method and number of replications."""


def measured_coverage(method: str, replications: int) -> float:
    """The coverage of a nominal 95 % that was measured for six to nine replications."""
    return COVERAGE[method][replications]
