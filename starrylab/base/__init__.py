"""Small tools without a subject: C layouts, bit fields."""
