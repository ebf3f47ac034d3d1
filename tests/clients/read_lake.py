"""Reads a lake with clients that are not smelt's: boto3 lists and reads, Polars scans silver and gold.

Usage: read_lake.py <endpoint> <access key> <secret key> <bucket> <prefix>

Prints JSON: every object's key with the sha256 of its bytes, the number of rows of each silver dataset, and the newest table
of each KPI.
"""

import hashlib
import json
import sys

import boto3
import polars

endpoint, access_key, secret_key, bucket, prefix = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    aws_access_key_id=access_key,
    aws_secret_access_key=secret_key,
    region_name="us-east-1",
)
options = {
    "aws_endpoint_url": endpoint,
    "aws_access_key_id": access_key,
    "aws_secret_access_key": secret_key,
    "aws_region": "us-east-1",
    "aws_allow_http": "true",
}

objects = {}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + "/", PaginationConfig={"PageSize": 7}):
    for entry in page.get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        assert len(body) == entry["Size"], entry
        objects[entry["Key"][len(prefix) + 1 :]] = body

datasets = {key.split("/")[1] for key in objects if key.startswith("silver/")}
kpis = {}
for key in sorted(key for key in objects if key.startswith("gold/")):
    kpis[key.split("/")[1]] = key


def scan(pattern):
    return polars.scan_csv(f"s3://{bucket}/{prefix}/{pattern}", storage_options=options, infer_schema=False)


print(
    json.dumps(
        {
            "objects": {key: hashlib.sha256(body).hexdigest() for key, body in objects.items()},
            "silver": {name: scan(f"silver/{name}/*.csv").select(polars.len()).collect().item() for name in datasets},
            "gold": {name: scan(key).collect().rows() for name, key in kpis.items()},
        }
    )
)
