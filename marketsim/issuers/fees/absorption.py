"""What an issuer pays out of its own pocket: funding and costs it absorbs, and the reward of who pulls the ripcord.

Absorbed are Gate's funding, trading fees and slippage, which its all-in fee stands for, whatever they come to (RULES
A.1, A.7); gains are the issuer's likewise. The ripcord's reward is min(reward, what is there) and no part of the fund:
the money is the issuer's, as the ether in FLI's strategy contract is its deployer's (FlexibleLeverageStrategyExtension,
IndexCoop/index-coop-smart-contracts@c852c02, RULES A.4). Keepers are not simulated, so `outside` gets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from json import dumps
from typing import TYPE_CHECKING

from marketsim.issuers.books.claims import slippage_atoms
from marketsim.units import to_atoms

if TYPE_CHECKING:
    from marketsim.issuers.desk import TokenDesk
    from marketsim.messages import Fill


@dataclass(slots=True)
class Subsidy:
    """What one token's issuer adds; reward_atoms: for a pull of the ripcord, of left_atoms (None: there is enough)."""

    desk: TokenDesk
    reward_atoms: int = field(init=False, default=0)
    left_atoms: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Put the declared balance aside for rewards."""
        reward = self.desk.spec.rebalance.keeper_reward
        if reward is not None:
            self.reward_atoms = to_atoms(reward.amount.amount)
            self.left_atoms = None if reward.balance is None else to_atoms(reward.balance.amount)

    def give_back_funding(self, received_atoms: int) -> None:
        """Take funding the fund has just received, or give it back what it paid, where that is the issuer's."""
        desk = self.desk
        if received_atoms and desk.spec.funding == "absorb":
            desk.gateway.transfer(desk.office.issuer_account, desk.token.account, -received_atoms, "funding")
            desk.books.ledger.funding(-received_atoms)

    def make_good(self, market: str, fills: Sequence[Fill]) -> None:
        """Pay the fund what fills of a rebalance cost against the mark, where that is the issuer's."""
        desk = self.desk
        if desk.spec.costs != "absorb":
            return
        leg = next(leg for leg in desk.token.legs if leg.market == market)
        fees, slippage = sum(fill.fee_atoms for fill in fills), slippage_atoms(fills, leg.atoms_per_tick_lot)
        issuer, fund = desk.office.issuer_account, desk.token.account
        desk.gateway.transfer(issuer, fund, fees, "trading_fee")
        desk.gateway.transfer(issuer, fund, slippage, "trade")
        desk.books.ledger.made_good(fees, slippage)

    def reward_keeper(self) -> None:
        """Pay who has just set off a rewarded trigger (FLI's ripcord), as far as there is something left."""
        if not self.reward_atoms:
            return
        atoms, desk = self.reward_atoms, self.desk
        if self.left_atoms is not None:
            atoms = min(atoms, self.left_atoms)
            self.left_atoms -= atoms
        desk.gateway.transfer(desk.office.issuer_account, desk.office.outside_account, atoms, "management_fee")
        detail = dumps({"reward_atoms": atoms, "left_atoms": self.left_atoms})
        desk.add_row("events", t_ns=desk.now_ns, event="ripcord", subject=desk.token.id, detail=detail)
