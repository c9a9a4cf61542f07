"""What single formats need: workbooks and Parquet files, and cells that no spreadsheet runs."""
