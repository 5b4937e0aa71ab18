"""Our AGGD fit beside pyiqa's own, bit for bit."""

from collections.abc import Callable
from typing import Any

import pytest

from eliq_bench.eliq.critic.lite import aggd

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("pyiqa.archs.func_util").estimate_aggd_param


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("return_sigma", [False, True])
def test_the_fit_gives_the_bits_of_pyiqa(theirs: Callable[..., Any], dtype: Any, return_sigma: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(7, 1, 32, 24, dtype=dtype, generator=generator)
    blocks = torch.cat([noise, noise.sign() * noise.abs() ** 3, noise.clamp(-0.1, 2), torch.zeros_like(noise)])
    expected = theirs(blocks, return_sigma)
    got = aggd.fit(blocks, return_sigma)
    for ours, reference in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, reference, rtol=0, atol=0, equal_nan=True)


def test_the_shape_of_a_gaussian_is_two() -> None:
    """An AGGD with shape 2 is the Gaussian, 1 the Laplacian: the moments must find them again."""
    torch.manual_seed(0)
    gaussian = torch.randn(1, 1, 1000, 1000, dtype=torch.float64)
    laplacian = torch.distributions.Laplace(0.0, 1.0).sample((1, 1, 1000, 1000)).double()
    shape, _, _ = aggd.fit(torch.cat([gaussian, laplacian]))
    torch.testing.assert_close(shape.flatten(), torch.tensor([2.0, 1.0], dtype=torch.float64), atol=0.02, rtol=0)
