"""What all three apps need. Imports nothing of ours."""
