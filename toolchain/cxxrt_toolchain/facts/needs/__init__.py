"""What a wheel needs: of the shared runtime, and of other distributions."""
