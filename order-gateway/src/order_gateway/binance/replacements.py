"""The answer of `order/cancelReplace`: the results of the cancel and of the new order. Pure."""

from http import HTTPStatus
from typing import Any

from order_gateway.binance.errors import BinanceError, error_of
from tapewire.errors import Refusal
from tapewire.web.problem import Problem


class Outcome:
    """The results of the two parts of a replacement."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {
            "cancelResult": "NOT_ATTEMPTED",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": None,
            "newOrderResponse": None,
        }

    @property
    def is_done(self) -> bool:
        """Whether both parts were done."""
        return {self.answer["cancelResult"], self.answer["newOrderResult"]} == {"SUCCESS"}

    def canceled(self, answer: dict[str, Any]) -> None:
        """The cancel was done."""
        self.answer |= {"cancelResult": "SUCCESS", "cancelResponse": answer}

    def placed(self, answer: dict[str, Any]) -> None:
        """The new order was placed."""
        self.answer |= {"newOrderResult": "SUCCESS", "newOrderResponse": answer}

    def cancel_refused(self, error: BinanceError) -> None:
        """The cancel was refused."""
        self.answer |= {"cancelResult": "FAILURE", "cancelResponse": error.body}

    def place_refused(self, error: BinanceError) -> None:
        """The new order was refused."""
        self.answer |= {"newOrderResult": "FAILURE", "newOrderResponse": error.body}

    def failure(self) -> BinanceError:
        """The error of a replacement: one part failed, or both."""
        if "SUCCESS" in {self.answer["cancelResult"], self.answer["newOrderResult"]}:
            return BinanceError(
                -2021, "Order cancel-replace partially failed.", HTTPStatus.CONFLICT,
                data=self.answer,
            )  # fmt: skip
        return BinanceError(-2022, "Order cancel-replace failed.", data=self.answer)


def error_of_problem(problem: Problem) -> BinanceError:
    """A refusal within an answer, as Binance words it."""
    refusal = Refusal(problem.detail)
    refusal.code, refusal.field = problem.code, problem.field
    return error_of(refusal, is_order=True)
