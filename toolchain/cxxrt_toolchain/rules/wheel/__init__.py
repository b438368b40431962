"""The rules about wheels: what a wheel claims, what it holds, and the verdict."""
