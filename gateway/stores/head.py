"""The migration this program needs, known without importing the migrations; a test holds it equal to Alembic's head."""

HEAD = "0006"
