# The service and its command line. Build with a CPU-only torch by naming an index that has it:
#   docker build --build-arg TORCH_INDEX=<address of an index of CPU wheels> .
FROM python:3.11-slim

ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_EXTRA_INDEX_URL=${TORCH_INDEX} PYTHONUNBUFFERED=1

WORKDIR /opt/nearfield
# What is installed first changes seldom: an edit to the code does not install torch again.
COPY pyproject.toml constraints.txt ./
RUN python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
      print(*project["dependencies"], *project["optional-dependencies"]["postgres"], sep="\n")' > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY embedding embedding
COPY indexing indexing
COPY service service
COPY nearfield nearfield
RUN pip install --constraint constraints.txt ".[postgres]"

# Releases, journal and settings live in the working folder, which is the volume.
RUN useradd --create-home --uid 10001 nearfield && install --directory --owner nearfield /data /releases
USER nearfield
WORKDIR /data
VOLUME /data

# A container's loopback cannot be reached from outside it.
ENV NEARFIELD_HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]

ENTRYPOINT ["nearfield"]
CMD ["serve"]
