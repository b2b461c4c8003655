"""Following the elements, searching, and bringing files back."""
