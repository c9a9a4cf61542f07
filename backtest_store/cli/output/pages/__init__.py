"""What fills a terminal about one run, some runs beside each other, or a grid."""
